import type { Brand } from './ids.ts';

/** Instants. Stores hold integer milliseconds UTC; JWTs and HTTP headers hold seconds. The brands keep the two apart. */
export type EpochMs = Brand<number, 'EpochMs'>;
export type EpochSeconds = Brand<number, 'EpochSeconds'>;

/** Cuts to the second, so that a token never claims to live longer than its source. */
export const toEpochSeconds = (instant: EpochMs): EpochSeconds => Math.floor(instant / 1000) as EpochSeconds;
export const toEpochMs = (instant: EpochSeconds): EpochMs => (instant * 1000) as EpochMs;

export const msPerSecond = 1000;
export const msPerMinute = 60_000;
export const msPerHour = 3_600_000;
export const msPerDay = 86_400_000;

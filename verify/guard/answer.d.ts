import { type ErrorTexts, type Problem } from '@sallyport/contract';
/** An HTTP answer that any framework can send. */
export interface Answer {
    readonly status: number;
    /** Lower-case names. */
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
}
/**
 * A Problem as problem+json (RFC 9457) with status, challenge and Retry-After. `texts` are the preset's; nothing private
 * of the Problem (its cause) is in it.
 * @param instance the request id
 */
export declare const problemAnswer: (problem: Problem, texts?: ErrorTexts, instance?: string) => Answer;

/**
 * A client of plain HTTP/1.1 services: strict parser, connection, pool. It speaks the framing of RFC 9112 and nothing more lenient:
 * what could be read in two ways ends the connection. It never judges a request, follows a redirect, upgrades or pipelines.
 */

/** Why an answer cannot be read; the connection it came on is never used again. */
export class AnswerMalformed extends Error {
  override readonly name = 'AnswerMalformed';
  readonly code = 'HTTP1_ANSWER_MALFORMED';
}

export interface AnswerHead {
  readonly status: number;
  /** Name, value, …, as they came, latin1. */
  readonly headers: string[];
  /** The connection may carry another request afterwards. */
  readonly keepAlive: boolean;
  /** `Keep-Alive: timeout=…`: so long the service keeps an idle connection, if it says so. */
  readonly idleSeconds: number | undefined;
  /** No body follows: the answer is whole with its head. */
  readonly isWhole: boolean;
}

export interface AnswerSink {
  onHead(head: AnswerHead): void;
  onBody(part: Buffer): void;
  /** The answer is whole. Not clean: more bytes came behind it, that nobody asked for; the connection is not to be used again. */
  onEnd(isClean: boolean): void;
}

const maxHeadBytes = 32_768;
const maxHeaders = 256;
const maxChunkLineBytes = 1024;
const maxTrailerBytes = 8192;
const maxInterims = 16;

type Phase = 'head' | 'length' | 'close' | 'chunk size' | 'chunk data' | 'chunk end' | 'trailers' | 'ended';

/** Reads one answer. Feed it until it has ended; then `reset` for the next one. */
export class ResponseParser {
  readonly #sink: AnswerSink;
  #phase: Phase = 'ended';
  #isHead = false;
  #held: Buffer | undefined;
  #left = 0;
  #interims = 0;
  #trailerBytes = 0;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** @param method of the request that is answered: after HEAD no body comes (RFC 9112 §6.3) */
  reset(method: string): void {
    this.#phase = 'head';
    this.#isHead = method === 'HEAD';
    this.#held = undefined;
    this.#interims = 0;
    this.#trailerBytes = 0;
  }

  get hasEnded(): boolean {
    return this.#phase === 'ended';
  }

  /** The connection has ended. True: that is how this answer says that it is whole (RFC 9112 §6.3, 8). */
  end(): boolean {
    if (this.#phase !== 'close') return false;
    this.#finish(true);
    return true;
  }

  /** The chunk is only lent: nothing of it is kept after the call. @throws AnswerMalformed */
  feed(chunk: Buffer): void {
    let rest: Buffer | undefined = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = undefined;
    while (rest !== undefined && rest.length > 0) rest = this.#step(rest);
  }

  /** Returns what is left to be read; undefined: more has to come. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(bytes);
      case 'length':
        return this.#readLength(bytes);
      case 'close':
        this.#sink.onBody(bytes);
        return undefined;
      case 'chunk size':
        return this.#readChunkSize(bytes);
      case 'chunk data':
        return this.#readChunkData(bytes);
      case 'chunk end':
        return this.#readChunkEnd(bytes);
      case 'trailers':
        return this.#readTrailers(bytes);
      case 'ended':
        // RFC 9112 §9.2: nobody asked for these bytes.
        throw new AnswerMalformed('bytes after the end of the answer');
    }
  }

  #hold(bytes: Buffer, limit: number, what: string): undefined {
    if (bytes.length > limit) throw new AnswerMalformed(`${what} is too long`);
    // What is fed is only lent.
    this.#held = Buffer.from(bytes);
    return undefined;
  }

  #readHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return this.#hold(bytes, maxHeadBytes, 'the head');
    if (end > maxHeadBytes) throw new AnswerMalformed('the head is too long');
    const parsed = parseHead(bytes.toString('latin1', 0, end));
    const rest = bytes.subarray(end + 4);
    if (parsed.status < 200) {
      // RFC 9110 §15.2.2: 101 answers an Upgrade, and none was sent.
      if (parsed.status === 101) throw new AnswerMalformed('switched protocols unasked');
      this.#interims += 1;
      if (this.#interims > maxInterims) throw new AnswerMalformed('too many interim answers');
      return rest;
    }
    this.#begin(parsed, rest.length === 0);
    return this.hasEnded ? undefined : rest;
  }

  #begin({ status, headers, keepAlive, idleSeconds, chunked, length }: ParsedHead, isAlone: boolean): void {
    const bodiless = this.#isHead || status === 204 || status === 304;
    this.#left = length ?? 0;
    if (bodiless || length === 0) this.#phase = 'ended';
    else if (chunked) this.#phase = 'chunk size';
    else this.#phase = length === undefined ? 'close' : 'length';
    const isWhole = this.#phase === 'ended';
    this.#sink.onHead({ status, headers, keepAlive: keepAlive && this.#phase !== 'close', idleSeconds, isWhole });
    if (isWhole) this.#sink.onEnd(isAlone);
  }

  #finish(isClean: boolean): undefined {
    this.#phase = 'ended';
    this.#sink.onEnd(isClean);
    return undefined;
  }

  #readLength(bytes: Buffer): Buffer | undefined {
    if (bytes.length < this.#left) {
      this.#left -= bytes.length;
      this.#sink.onBody(bytes);
      return undefined;
    }
    const isClean = bytes.length === this.#left;
    this.#sink.onBody(isClean ? bytes : bytes.subarray(0, this.#left));
    // RFC 9112 §9.2 and response splitting: a second answer behind this one is never handed on.
    return this.#finish(isClean);
  }

  #readChunkSize(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n');
    if (end < 0) return this.#hold(bytes, maxChunkLineBytes, 'the line of a chunk');
    // RFC 9112 §7.1.1: unknown chunk extensions MUST be ignored.
    const [, size = ''] =
      /^([0-9A-Fa-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(bytes.toString('latin1', 0, end)) ?? [];
    if (size === '') throw new AnswerMalformed('a chunk without size');
    this.#left = Number.parseInt(size, 16);
    this.#phase = this.#left === 0 ? 'trailers' : 'chunk data';
    return bytes.subarray(end + 2);
  }

  #readChunkData(bytes: Buffer): Buffer | undefined {
    const part = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= part.length;
    if (this.#left === 0) this.#phase = 'chunk end';
    this.#sink.onBody(part);
    return bytes.subarray(part.length);
  }

  #readChunkEnd(bytes: Buffer): Buffer | undefined {
    if (bytes.length < 2) return this.#hold(bytes, 2, 'the end of a chunk');
    if (bytes[0] !== cr || bytes[1] !== lf) throw new AnswerMalformed('a chunk longer than it said');
    this.#phase = 'chunk size';
    return bytes.subarray(2);
  }

  /** RFC 9110 §6.5.1: trailers may be discarded. */
  #readTrailers(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n');
    if (end < 0) return this.#hold(bytes, maxTrailerBytes, 'the trailer');
    const rest = bytes.subarray(end + 2);
    if (end > 0) {
      this.#trailerBytes += end;
      if (this.#trailerBytes > maxTrailerBytes) throw new AnswerMalformed('the trailers are too long');
      return rest;
    }
    return this.#finish(rest.length === 0);
  }
}

const cr = 0x0d;
const lf = 0x0a;

interface ParsedHead {
  readonly status: number;
  readonly headers: string[];
  readonly keepAlive: boolean;
  readonly idleSeconds: number | undefined;
  readonly chunked: boolean;
  readonly length: number | undefined;
}

/** RFC 9112 §4: version, status, reason. Bare CR, LF and other control characters are refused wherever they stand. */
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** RFC 9112 §5.1: no white space before the colon; §5.2: no folding; RFC 9110 §5.5: no control characters. */
const headerLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/;

type FramingName = 'connection' | 'keep-alive' | 'content-length' | 'transfer-encoding';

interface HeaderLine {
  readonly name: string;
  readonly value: string;
  /** Says how the answer is framed. */
  readonly framing: FramingName | undefined;
}

const framingNames: ReadonlySet<string> = new Set<FramingName>([
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
]);
const isFramingName = (lower: string): lower is FramingName => framingNames.has(lower);

const readLine = (line: string): HeaderLine => {
  const match = headerLine.exec(line);
  if (match === null) throw new AnswerMalformed('a header line of the wrong form');
  const [, name = '', value = ''] = match;
  const lower = name.toLowerCase();
  return { name, value, framing: isFramingName(lower) ? lower : undefined };
};

/** Services write the same lines again and again; beyond this many the memory is begun anew. */
const rememberedLines = 1024;
/** A longer one is hardly written twice. */
const longestRemembered = 80;

const knownLines = new Map<string, HeaderLine>();

const lineOf = (text: string): HeaderLine => {
  const known = knownLines.get(text);
  if (known !== undefined) return known;
  const line = readLine(text);
  if (text.length > longestRemembered) return line;
  if (knownLines.size >= rememberedLines) knownLines.clear();
  // An own copy: a slice would keep the head alive that it was cut from.
  knownLines.set(Buffer.from(text, 'latin1').toString('latin1'), line);
  return line;
};

/** A head without its last empty line. @throws AnswerMalformed */
export const parseHead = (text: string): ParsedHead => {
  const lines = text.split('\r\n');
  const [, minor, status] = statusLine.exec(lines[0] ?? '') ?? [];
  if (status === undefined) throw new AnswerMalformed('no status line');
  if (lines.length > maxHeaders) throw new AnswerMalformed('too many header lines');
  const headers: string[] = [];
  const framing: Framing = { length: undefined, codings: 0, connection: '', idleSeconds: undefined };
  for (let at = 1; at < lines.length; at += 1) {
    const line = lineOf(lines[at] ?? '');
    headers.push(line.name, line.value);
    if (line.framing !== undefined) readFraming(line.framing, line.value, framing);
  }
  const chunked = framing.codings > 0;
  // RFC 9112 §6.1: both together may be an attempt at smuggling; §6.3: an intermediary must not guess.
  if (chunked && (framing.length !== undefined || minor === '0')) throw new AnswerMalformed('two framings at once');
  const keepAlive = minor === '1' && !/(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(framing.connection);
  const length = framing.length === undefined ? undefined : Number(framing.length);
  return { status: Number(status), headers, keepAlive, idleSeconds: framing.idleSeconds, chunked, length };
};

interface Framing {
  length: string | undefined;
  codings: number;
  connection: string;
  idleSeconds: number | undefined;
}

const readFraming = (name: FramingName, value: string, framing: Framing): void => {
  switch (name) {
    case 'connection':
      framing.connection = framing.connection === '' ? value : `${framing.connection},${value}`;
      return;
    case 'keep-alive':
      framing.idleSeconds = idleSecondsOf(value);
      return;
    case 'content-length':
      // RFC 9112 §6.3, 5: a repeated or unreadable length is an unrecoverable error.
      if (framing.length !== undefined || !/^\d{1,15}$/.test(value)) throw new AnswerMalformed('the length is unclear');
      framing.length = value;
      return;
    case 'transfer-encoding':
      framing.codings += 1;
      if (framing.codings > 1 || value.toLowerCase() !== 'chunked')
        throw new AnswerMalformed('an unknown transfer coding');
  }
};

/** RFC 2068 §19.7.1.1 and what servers write until today. */
const idleSecondsOf = (value: string): number | undefined => {
  const [, seconds] = /(?:^|[\t ,])timeout=(\d{1,6})/i.exec(value) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
};

/**
 * Runs the steps in their order and writes the answer that one of them gives. Owns the answers; knows no step.
 */
import { type ErrorTexts, Problem } from '@sallyport/contract';
import { type ProblemLog, problemFromError, writeProblem } from '@sallyport/kit/problem';
import type { Answer, Exchange, Outcome, Step } from './exchange.ts';
import { problemHeader, problemText } from './forward-auth/problem-text.ts';
import { lingerAfterAnswer } from './linger.ts';

export interface DispatcherOptions {
  readonly texts: ErrorTexts;
  readonly log: ProblemLog;
}

export interface Dispatcher {
  /** Takes an exchange through all steps. Never throws. */
  dispatch(exchange: Exchange): void;
}

/** Answers an exchange with a problem, wherever it is. */
export type Refuse = (exchange: Exchange, problem: Problem) => void;

const writeAnswer = (exchange: Exchange, { status, headers, body }: Answer): void => {
  const length = status === 204 ? [] : ['content-length', String(Buffer.byteLength(body))];
  lingerAfterAnswer(exchange);
  exchange.res.writeHead(status, [...headers, ...exchange.responseHeaders, ...length]);
  exchange.res.end(body);
};

const addHeaders = ({ res, responseHeaders }: Exchange): void => {
  for (let at = 0; at < responseHeaders.length; at += 2) {
    res.appendHeader(responseHeaders[at] ?? '', responseHeaders[at + 1] ?? '');
  }
};

export const createRefuse = ({ texts, log }: DispatcherOptions): Refuse =>
  function refuse(exchange, problem) {
    const { res, requestId, trace } = exchange;
    exchange.decision = problem.code;
    if (problem.status >= 500) {
      const about = { requestId, traceId: trace?.traceId, spanId: trace?.spanId };
      log.error({ ...about, code: problem.code, err: problem.cause ?? problem }, 'request failed');
    }
    if (!res.headersSent) {
      addHeaders(exchange);
      if (exchange.asked === 'original') res.appendHeader(problemHeader, problemText(problem, texts, requestId));
      lingerAfterAnswer(exchange);
    }
    writeProblem(res, problem, texts, requestId);
  };

export const createDispatcher = (steps: readonly Step[], refuse: Refuse): Dispatcher => {
  const conclude = (exchange: Exchange, outcome: Exclude<Outcome, undefined>): void => {
    if (outcome === 'taken') return;
    if (outcome instanceof Problem) refuse(exchange, outcome);
    else writeAnswer(exchange, outcome);
  };

  const advance = (exchange: Exchange, from: number): void => {
    try {
      for (let at = from; at < steps.length; at += 1) {
        const outcome = steps[at]?.run(exchange);
        if (outcome === undefined) continue;
        if (outcome instanceof Promise) {
          awaitOutcome(exchange, outcome, at + 1);
          return;
        }
        conclude(exchange, outcome);
        return;
      }
      // The last step answers; a pipeline that ends in silence is broken.
      refuse(exchange, new Problem('internal_error', { cause: new Error('no step answered') }));
    } catch (error) {
      refuse(exchange, problemFromError(error));
    }
  };

  const awaitOutcome = (exchange: Exchange, pending: Promise<Outcome>, next: number): void => {
    pending.then(
      (outcome) => {
        // A client that went away meanwhile needs no answer, and no upstream request.
        if (exchange.res.destroyed) return;
        if (outcome === undefined) advance(exchange, next);
        else conclude(exchange, outcome);
      },
      (error: unknown) => refuse(exchange, problemFromError(error)),
    );
  };

  return { dispatch: (exchange) => advance(exchange, 0) };
};

/** Calls a Lambda function and waits for its answer, for as long as a function may run. */
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Json } from '../domain/book/item.ts';
import { CallLostError, type FunctionCaller, FunctionFailedError } from '../ports/function-caller.ts';

/** A function runs for 15 minutes at most; its answer needs a moment more. */
export const callPatience = {
  connectionTimeout: 3_000,
  requestTimeout: 905_000,
  // Nothing comes over the connection until the function has ended.
  socketTimeout: 905_000,
  throwOnRequestTimeout: true,
} as const;

/** The request was sent and no whole answer came. A refused connection is not among them: nothing began. */
const lost = new Set(['TimeoutError', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);

export class LambdaCaller implements FunctionCaller {
  readonly #client: LambdaClient;

  /** @param client with one attempt and `callPatience`: the SDK would repeat a call that it lost */
  constructor(client: LambdaClient) {
    this.#client = client;
  }

  async call(name: string, payload: Json): Promise<Json> {
    const command = new InvokeCommand({
      FunctionName: name,
      InvocationType: 'RequestResponse',
      Payload: new TextEncoder().encode(JSON.stringify(payload)),
    });
    const { FunctionError, Payload } = await this.#client.send(command).catch((error: unknown) => {
      throw whenLost(name, error) ?? error;
    });
    const text = new TextDecoder().decode(Payload);
    const answer = text === '' ? null : (JSON.parse(text) as Json);
    if (FunctionError === undefined) return answer;
    const { errorType, errorMessage } = (answer ?? {}) as { errorType?: string; errorMessage?: string };
    throw new FunctionFailedError(name, errorType ?? FunctionError, errorMessage ?? text);
  }
}

function whenLost(name: string, error: unknown): CallLostError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  // Waiting for a connection is not waiting for an answer; the SDK names both TimeoutError.
  if (syscall === 'connect' || error.message.includes('establish a connection')) return undefined;
  if (!lost.has(error.name) && !lost.has(code)) return undefined;
  return new CallLostError(name, error.message.replace(/\.$/, ''), { cause: error });
}

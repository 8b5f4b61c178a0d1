/**
 * Runs as a worker thread or as a child process: one execution environment of one function. The function's code is
 * loaded once, then one invocation at a time comes by message. Its `process.env` is the function's environment and
 * nothing else. A process gets its input as an argument, and ends when the local cloud is gone.
 */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

export interface WorkerInput {
  readonly file: string;
  readonly exportName: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
}

export interface InvokeMessage {
  readonly requestId: string;
  readonly payload: string;
  /** Time that the invocation has, from its receipt. */
  readonly timeoutMs: number;
}

export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'init-failed'; readonly error: FunctionErrorPayload }
  | { readonly type: 'result'; readonly requestId: string; readonly payload: string }
  | { readonly type: 'error'; readonly requestId: string; readonly error: FunctionErrorPayload };

/** What Lambda answers for an error of a Node function. */
export interface FunctionErrorPayload {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

type Handler = (event: unknown, context: unknown) => unknown;

const port = parentPort;
const isProcess = port === null && process.send !== undefined;
if (port === null && !isProcess)
  throw new Error('lambda-worker.ts is started by the local cloud; start the sandbox instead');
const input = (isProcess ? JSON.parse(process.argv[2] ?? '') : workerData) as WorkerInput;
if (isProcess) process.once('disconnect', () => process.exit());

function send(message: WorkerMessage): void {
  if (port === null) process.send?.(message);
  else port.postMessage(message);
}

function describe(error: unknown): FunctionErrorPayload {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error) };
}

async function load(): Promise<Handler> {
  const module = (await import(pathToFileURL(input.file).href)) as Record<string, unknown>;
  const exported = module[input.exportName];
  if (typeof exported !== 'function') {
    throw Object.assign(new Error(`${input.exportName} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    });
  }
  return exported as Handler;
}

function contextOf({ requestId, timeoutMs }: InvokeMessage): Record<string, unknown> {
  const deadline = performance.now() + timeoutMs;
  return {
    awsRequestId: requestId,
    functionName: input.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: input.functionArn,
    memoryLimitInMB: String(input.memoryMb),
    logGroupName: `/aws/lambda/${input.functionName}`,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(deadline - performance.now())),
  };
}

try {
  const handler = await load();
  (port ?? process).on('message', (message: InvokeMessage) => void invoke(handler, message));
  send({ type: 'ready' });
} catch (error) {
  send({ type: 'init-failed', error: describe(error) });
}

async function invoke(handler: Handler, message: InvokeMessage): Promise<void> {
  const { requestId, payload } = message;
  try {
    const result = await handler(JSON.parse(payload), contextOf(message));
    send({ type: 'result', requestId, payload: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    console.error(JSON.stringify({ level: 'ERROR', requestId, ...describe(error) }));
    send({ type: 'error', requestId, error: describe(error) });
  }
}

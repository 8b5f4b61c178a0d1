import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Service, ServiceError, writeError } from './aws-errors.ts';
import { CloudError, messageOf } from './errors.ts';
import { CutConnection } from './faults.ts';
import { readS3Address } from './s3-requests.ts';

/** One request to the local cloud, read and attributed. */
export interface CloudRequest {
  readonly service: Service;
  readonly operation: string;
  /** The access key id: a role's logical id, or `operator`. */
  readonly accessKeyId: string;
  /** The session token that the caller sent; '' without one. It tells the processes of one role apart. */
  readonly sessionToken: string;
  readonly region: string;
  readonly body: Buffer;
  readonly requestId: string;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
}

export type RequestHandler = (request: CloudRequest) => Promise<void>;

/** X-Amz-Target prefixes of the services that use the JSON protocol. */
const TARGETS: Readonly<Record<string, Service>> = {
  DynamoDB_20120810: 'dynamodb',
  AWSEvents: 'events',
  AmazonSQS: 'sqs',
  secretsmanager: 'secretsmanager',
  Logs_20140328: 'logs',
};

/** No request of the emulated services is larger: DynamoDB takes 16 MB, Lambda 6. An S3 object is held in memory. */
const BODY_MAX = 17_000_000;
const S3_BODY_MAX = 256_000_000;
/** Seven days. */
const PRESIGNED_MS_MAX = 604_800_000;
const INVOKE_PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/** The name or ARN in the path of a Lambda Invoke request, without a `:$LATEST`. */
export function functionIdOf(incoming: IncomingMessage): string {
  const [, id = ''] = INVOKE_PATH.exec(pathOf(incoming)) ?? [];
  return decodeURIComponent(id).replace(/:\$LATEST$/, '');
}

/** The HTTP server of the local cloud: listens on the loopback interface and names each request's service and caller. */
export class Endpoint {
  readonly #server: Server;
  #handler: RequestHandler;

  constructor() {
    this.#handler = async () => {
      await Promise.resolve();
      throw new ServiceError('ServiceUnavailable', 'The local cloud is still starting', 503);
    };
    this.#server = createServer(
      { keepAliveTimeout: 60_000, noDelay: true },
      (incoming, response) => void this.#serve(incoming, response),
    );
  }

  /** Starts to listen; `port` 0 takes a free one. Requests before `handle` are answered 503. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          error.code === 'EADDRINUSE'
            ? new CloudError(
                'PORT_IN_USE',
                `The port ${port} of the local cloud is in use.`,
                'Stop what listens there, or choose another port (0 takes a free one).',
                { cause: error },
              )
            : error,
        );
      });
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null)
      throw new TypeError('the HTTP server has no address');
    return `http://127.0.0.1:${address.port}`;
  }

  handle(handler: RequestHandler): void {
    this.#handler = handler;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    let service: string | undefined;
    try {
      const scope = readAuthorization(incoming);
      service = scope?.service;
      const body = await readBody(incoming, service === 's3' ? S3_BODY_MAX : BODY_MAX);
      const target = route(incoming, body, scope?.service);
      service = target.service;
      if (scope === undefined) {
        throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
      }
      const { accessKeyId, region } = scope;
      checkPresigned(incoming, Date.now());
      const sessionToken = String(
        incoming.headers['x-amz-security-token'] ?? queryOf(incoming).get('X-Amz-Security-Token') ?? '',
      );
      await this.#handler({
        ...target,
        accessKeyId,
        sessionToken,
        region,
        body,
        requestId,
        incoming,
        response,
      });
    } catch (error) {
      if (error instanceof CutConnection) incoming.socket.destroy();
      else writeError(response, service, asServiceError(error), requestId);
    }
  }
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError('InternalFailure', `The local cloud failed: ${messageOf(error)}`, 500);
}

/** Which service and operation a request is for. Throws ServiceError (501) for what the local cloud does not have. */
function route(
  incoming: IncomingMessage,
  body: Buffer,
  scopeService: string | undefined,
): { service: Service; operation: string } {
  const target = incoming.headers['x-amz-target'];
  if (typeof target === 'string') {
    const [prefix = '', operation = ''] = target.split('.');
    const service = TARGETS[prefix];
    if (service !== undefined) return { service, operation };
  } else if (INVOKE_PATH.test(pathOf(incoming))) {
    return { service: 'lambda', operation: 'Invoke' };
  } else if (scopeService === 's3') {
    return { service: 's3', operation: readS3Address(incoming).operation };
  } else if (scopeService === 'sts') {
    const action =
      new URLSearchParams(body.toString('utf8')).get('Action') ?? queryOf(incoming).get('Action');
    return { service: 'sts', operation: action ?? '' };
  } else if (scopeService === 'sns') {
    return { service: 'sns', operation: new URLSearchParams(body.toString('utf8')).get('Action') ?? '' };
  }
  const what = typeof target === 'string' ? target : `${incoming.method ?? ''} ${pathOf(incoming)}`;
  throw new ServiceError(
    'NotImplemented',
    `The local cloud does not have ${scopeService ?? 'this service'}: ${what} (docs/local-cloud.md lists what it has)`,
    501,
  );
}

/**
 * What AWS says of a presigned request before it looks at the signature: each signed header must be there, and its time
 * must not be over.
 */
function checkPresigned(incoming: IncomingMessage, nowMs: number): void {
  const query = queryOf(incoming);
  if (!query.has('X-Amz-Credential')) return;
  const [, y, mo, d, h, mi, sec] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Amz-Date') ?? '') ?? [];
  const signedMs = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${sec}Z`);
  const forMs = Number(query.get('X-Amz-Expires') ?? Number.NaN) * 1000;
  const signed = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  const isWhole =
    Number.isFinite(signedMs) &&
    forMs > 0 &&
    forMs <= PRESIGNED_MS_MAX &&
    /^[0-9a-f]{64}$/.test(query.get('X-Amz-Signature') ?? '') &&
    signed.includes('host');
  if (!isWhole) {
    throw new ServiceError(
      'IncompleteSignature',
      'A presigned request needs X-Amz-Date, X-Amz-Expires, X-Amz-SignedHeaders with host, and X-Amz-Signature',
      400,
    );
  }
  const missing = signed.filter((name) => incoming.headers[name] === undefined);
  const unsigned = Object.keys(incoming.headers).filter(
    (name) => name.startsWith('x-amz-') && !signed.includes(name),
  );
  if (missing.length > 0 || unsigned.length > 0) {
    throw new ServiceError(
      'SignatureDoesNotMatch',
      `The request signature we calculated does not match the signature you provided (signed and not sent: ${missing.join(', ') || 'none'}; sent and not signed: ${unsigned.join(', ') || 'none'})`,
      403,
    );
  }
  if (nowMs > signedMs + forMs) {
    throw new ServiceError(
      'SignatureDoesNotMatch',
      `Signature expired: ${query.get('X-Amz-Date') ?? ''} is now earlier than ${new Date(nowMs - forMs).toISOString()}`,
      403,
    );
  }
}

function queryOf(incoming: IncomingMessage): URLSearchParams {
  const url = incoming.url ?? '/';
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}

function pathOf(incoming: IncomingMessage): string {
  return (incoming.url ?? '/').split('?')[0] ?? '/';
}

/**
 * Reads `<access key id>/<date>/<region>/<service>/aws4_request` from the header, or from the query of a presigned
 * request. Signatures are not checked.
 */
function readAuthorization(
  incoming: IncomingMessage,
): { accessKeyId: string; region: string; service: string } | undefined {
  const presigned = queryOf(incoming).get('X-Amz-Credential');
  const match = /Credential=([^/,\s]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    presigned === null ? (incoming.headers.authorization ?? '') : `Credential=${presigned}`,
  );
  const [, accessKeyId, region, service] = match ?? [];
  if (accessKeyId === undefined || region === undefined || service === undefined) return undefined;
  // Of the presigned requests, only the one that proves who somebody is.
  if (presigned !== null && service !== 'sts') return undefined;
  return { accessKeyId, region, service };
}

async function readBody(incoming: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax)
      throw new ServiceError(
        'RequestEntityTooLargeException',
        `The request is larger than ${bytesMax} bytes`,
        413,
      );
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

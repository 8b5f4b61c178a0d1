import type { ServerResponse } from 'node:http';
import { escapeXml, writeXml, type Xml } from './s3-xml.ts';

export type Service =
  | 'dynamodb'
  | 'events'
  | 'sqs'
  | 'lambda'
  | 'secretsmanager'
  | 'sts'
  | 's3'
  | 'logs'
  | 'sns';

/** An error that an emulated service answers to its caller. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly type: string;
  readonly status: number;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(type: string, message: string, status = 400, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.type = type;
    this.status = status;
    this.extra = extra;
  }
}

const NAMESPACES: Readonly<Record<string, string>> = {
  dynamodb: 'com.amazonaws.dynamodb.v20120810#',
  sqs: 'com.amazonaws.sqs#',
};

/** Errors that the front door of a service answers, before the service itself. */
const FRONT_DOOR = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'MissingAuthenticationTokenException',
  'ThrottlingException',
  'UnknownOperationException',
]);

/** Services whose SDK clients parse the XML of the query protocol. */
const XML = new Set(['sts', 'sns', 'cloudformation', 'iam', 'ec2', 'cloudwatch', 'monitoring']);

/** Writes an error in the format of the service (as the credential scope names it), as its SDK client parses it. */
export function writeError(
  response: ServerResponse,
  service: string | undefined,
  error: ServiceError,
  requestId: string,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (service === 's3') {
    writeS3Error(response, error, requestId);
    return;
  }
  if (XML.has(service ?? '')) {
    const inner = `<Code>${error.type}</Code><Message>${escapeXml(error.message)}</Message>`;
    const body = `<ErrorResponse><Error><Type>Sender</Type>${inner}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
    response.writeHead(error.status, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId });
    response.end(body);
    return;
  }
  const frontDoor = FRONT_DOOR.has(error.type);
  const prefix = frontDoor ? 'com.amazon.coral.service#' : (NAMESPACES[service ?? ''] ?? '');
  const message =
    frontDoor && error.type === 'AccessDeniedException'
      ? { Message: error.message }
      : { message: error.message };
  const body = JSON.stringify({ __type: `${prefix}${error.type}`, ...message, ...error.extra });
  response.writeHead(error.status, {
    'content-type':
      service === 'lambda'
        ? 'application/json'
        : `application/x-amz-json-1.${service === 'dynamodb' || service === 'sqs' ? 0 : 1}`,
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': requestId,
    // REST services name the error in a header; SQS keeps the code of its older protocol beside the new one.
    ...(service === 'lambda' ? { 'x-amzn-errortype': error.type } : {}),
    ...(service === 'sqs' ? { 'x-amzn-query-error': `${QUERY_CODES[error.type] ?? error.type};Sender` } : {}),
  });
  response.end(body);
}

/** S3 has codes of its own for what the other services answer alike. */
const S3_CODES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  UnrecognizedClientException: 'InvalidAccessKeyId',
  MissingAuthenticationTokenException: 'AccessDenied',
  RequestEntityTooLargeException: 'EntityTooLarge',
  InternalFailure: 'InternalError',
};

/** `extra.header` goes to the headers, the rest beside code and message. The answer to a HEAD has no body. */
function writeS3Error(response: ServerResponse, error: ServiceError, requestId: string): void {
  const { header, ...extra } = error.extra as {
    readonly header?: Readonly<Record<string, string>>;
    readonly [name: string]: Xml;
  };
  const text = writeXml('Error', {
    Code: S3_CODES[error.type] ?? error.type,
    Message: error.message,
    ...extra,
    RequestId: requestId,
  });
  response.writeHead(error.status, {
    'content-type': 'application/xml',
    'x-amz-request-id': requestId,
    ...header,
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

const QUERY_CODES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  UnrecognizedClientException: 'InvalidClientTokenId',
};

import type { ServerResponse } from 'node:http';
import { type Service, ServiceError } from './aws-errors.ts';
import type { NewDelivery } from './delivery-store.ts';
import type { DynamoDbProxy } from './dynamodb-proxy.ts';
import { type CloudRequest, functionIdOf } from './endpoint.ts';
import type { EventBridge } from './event-bridge.ts';
import { CutConnection, type FaultEffect, type Faults } from './faults.ts';
import type { Access, Iam } from './iam.ts';
import { dynamodbAccess, putEventsAccess, sqsAccess } from './iam-requests.ts';
import type { LambdaFunction } from './lambda.ts';
import type { Logs } from './logs.ts';
import type { S3 } from './s3.ts';
import { readS3Address, S3_OPERATIONS, s3Access } from './s3-requests.ts';
import { SECRETS_OPERATIONS, type Secrets } from './secrets.ts';
import type { Sns } from './sns.ts';
import type { Sqs } from './sqs.ts';
import type { StatsCollector } from './stats.ts';

/** Operations that a service of the local cloud answers; `undefined` means that the engine behind it decides. */
const OPERATIONS: Readonly<Record<Service, readonly string[] | undefined>> = {
  dynamodb: undefined,
  sqs: undefined,
  events: ['PutEvents'],
  lambda: ['Invoke'],
  secretsmanager: SECRETS_OPERATIONS,
  sts: ['GetCallerIdentity'],
  s3: S3_OPERATIONS,
  logs: ['DescribeLogGroups', 'FilterLogEvents'],
  sns: ['Publish'],
};

const CONTENT_TYPES: Readonly<Record<Service, string>> = {
  dynamodb: 'application/x-amz-json-1.0',
  sqs: 'application/x-amz-json-1.0',
  events: 'application/x-amz-json-1.1',
  secretsmanager: 'application/x-amz-json-1.1',
  lambda: 'application/json',
  sts: 'text/xml',
  s3: 'application/xml',
  logs: 'application/x-amz-json-1.1',
  sns: 'text/xml',
};

/** Services whose front door answers 400 to a caller that it does not let in; the others answer 403. */
const REFUSES_WITH_400 = new Set<Service>(['dynamodb', 'events', 'secretsmanager', 'logs']);
/** Services whose requests are no JSON objects. */
const NO_JSON = new Set<Service>(['lambda', 'sts', 's3', 'sns']);

/** PartiQL would need other permissions than the ones derived here. */
const REFUSED_DYNAMODB = new Set(['ExecuteStatement', 'BatchExecuteStatement', 'ExecuteTransaction']);
/** Payload limits of Invoke. */
const SYNC_BYTES_MAX = 6_291_456;
const ASYNC_BYTES_MAX = 1_048_576;

type Body = Readonly<Record<string, unknown>>;

/** What the services are made of. */
export interface ServiceParts {
  readonly iam: Iam;
  readonly faults: Faults;
  readonly stats: StatsCollector;
  readonly dynamodb: DynamoDbProxy;
  readonly sqs: Sqs;
  readonly events: EventBridge;
  readonly secrets: Secrets;
  readonly s3: S3;
  readonly logs: Logs;
  readonly sns: Sns;
  readonly functions: ReadonlyMap<string, LambdaFunction>;
  readonly accept: (deliveries: readonly NewDelivery[]) => void;
  readonly account: string;
  /** The partition key's attribute, by a table's name; undefined for a table that is not in the template. */
  readonly partitionKeyOf: (table: string) => string | undefined;
  /** The process of the function environment that was given this session token. */
  readonly pidOf: (sessionToken: string) => number | undefined;
  /** `127.0.0.1:port`: what queue URLs carry. */
  readonly host: string;
}

/** Answers one request: caller known, operation known, permission, fault, then the service itself. */
export class Services {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  /** The endpoint's handler. Throws ServiceError and CutConnection for the endpoint to answer. */
  readonly handle = async (request: CloudRequest): Promise<void> => {
    const { service, operation, accessKeyId } = request;
    const { iam, faults, stats } = this.#parts;
    stats.request(`${service}:${operation}`);
    if (!iam.knows(accessKeyId)) {
      throw new ServiceError(
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
        service === 'dynamodb' || service === 'events' || service === 'logs' ? 400 : 403,
      );
    }
    this.#checkOperation(service, operation);
    const body: Body = NO_JSON.has(service) ? {} : parseBody(request.body);
    const denial = iam.check(accessKeyId, this.#access(request, body));
    if (denial !== undefined) {
      stats.denied += 1;
      stats.problem(`AccessDenied: ${denial.message}`);
      throw new ServiceError(
        'AccessDeniedException',
        denial.message,
        REFUSES_WITH_400.has(service) ? 400 : 403,
      );
    }
    const effect = await faults.apply({
      service,
      operation,
      caller: accessKeyId,
      callerPid: () => this.#parts.pidOf(request.sessionToken),
    });
    await this.#answer(request, body, effect);
    effect.afterwards?.();
    if (effect.cutAnswer) throw new CutConnection('injected loss of the answer');
  };

  #checkOperation(service: Service, operation: string): void {
    const known = OPERATIONS[service];
    if (known?.includes(operation) === false || (service === 'dynamodb' && REFUSED_DYNAMODB.has(operation))) {
      throw new ServiceError(
        'NotImplemented',
        `The local cloud does not have ${service} ${operation} (docs/local-cloud.md lists what it has)`,
        501,
      );
    }
  }

  #access(request: CloudRequest, body: Body): Access[] {
    const { secrets, functions, account, logs } = this.#parts;
    const { service, operation, region } = request;
    const place = { region, account, partitionKeyOf: this.#parts.partitionKeyOf };
    switch (service) {
      case 'dynamodb':
        return dynamodbAccess(operation, body, place);
      case 'events':
        return putEventsAccess(body, place);
      case 'sqs':
        return sqsAccess(operation, body, place);
      case 'secretsmanager':
        return secrets.access(operation, body);
      case 'lambda': {
        const id = functionIdOf(request.incoming);
        const resource = functions.get(id)?.model.arn ?? `arn:aws:lambda:${region}:${account}:function:${id}`;
        return [{ action: 'lambda:InvokeFunction', resource }];
      }
      case 'sts':
        return [];
      case 's3':
        return s3Access(readS3Address(request.incoming), request.incoming);
      case 'logs':
        return logs.access(operation, body);
      case 'sns':
        return this.#parts.sns.access(form(request));
    }
  }

  async #answer(request: CloudRequest, body: Body, effect: FaultEffect): Promise<void> {
    const { service, operation, response, requestId } = request;
    const parts = this.#parts;
    const write = (status: number, headers: Record<string, string>, text: string): void => {
      if (!effect.cutAnswer)
        send(
          response,
          status,
          { 'content-type': CONTENT_TYPES[service], 'x-amzn-requestid': requestId, ...headers },
          text,
        );
    };
    switch (service) {
      case 'dynamodb':
        await parts.dynamodb.forward(request.incoming, request.body, response, effect.cutAnswer);
        return;
      case 'events':
        write(200, {}, JSON.stringify(parts.events.putEvents(body, effect.failEntries)));
        return;
      case 'sqs': {
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        const text = request.body.toString('utf8');
        const answer = await parts.sqs.call(operation, text, parts.host, gone.signal);
        write(answer.status, answer.headers, this.#localQueueUrls(answer.body));
        return;
      }
      case 'secretsmanager':
        write(200, {}, JSON.stringify(parts.secrets.answer(operation, body)));
        return;
      case 'lambda':
        await this.#invoke(request, write);
        return;
      case 'sts':
        write(200, {}, this.#callerIdentity(request));
        return;
      case 's3': {
        const may = (access: Access, how?: 'aside'): boolean =>
          parts.iam.check(request.accessKeyId, [access], how) === undefined;
        await parts.s3.answer(request, readS3Address(request.incoming), may, effect.cutAnswer);
        return;
      }
      case 'logs':
        write(200, {}, JSON.stringify(await parts.logs.answer(operation, body)));
        return;
      case 'sns':
        write(200, {}, parts.sns.publish(form(request), requestId));
        return;
    }
  }

  async #invoke(
    { incoming, body, requestId }: CloudRequest,
    write: (status: number, headers: Record<string, string>, text: string) => void,
  ): Promise<void> {
    const { functions, stats, accept } = this.#parts;
    const id = functionIdOf(incoming);
    const fn = functions.get(id);
    if (fn === undefined)
      throw new ServiceError('ResourceNotFoundException', `Function not found: ${id}`, 404, { Type: 'User' });
    const type = String(incoming.headers['x-amz-invocation-type'] ?? 'RequestResponse');
    const payload = body.length === 0 ? '{}' : body.toString('utf8');
    if (body.length > (type === 'Event' ? ASYNC_BYTES_MAX : SYNC_BYTES_MAX)) {
      throw new ServiceError(
        'RequestTooLargeException',
        `${body.length} byte payload is too large for the ${type} invocation type`,
        413,
      );
    }
    if (!isJson(payload))
      throw new ServiceError('InvalidRequestContentException', 'Could not parse request body into json', 400);
    if (type === 'DryRun') {
      write(204, {}, '');
    } else if (type === 'Event') {
      accept([{ kind: 'async', target: fn.model.arn, payload, requestId }]);
      write(202, {}, '');
    } else {
      const result = await fn.invoke(payload, requestId);
      const failed = result.functionError !== undefined;
      if (failed) {
        stats.invocations.failed += 1;
        if (result.timedOut) stats.invocations.timedOut += 1;
        stats.problem(`function ${fn.model.name} failed: ${result.payload.slice(0, 500)}`);
      } else {
        stats.invocations.ok += 1;
      }
      write(
        200,
        { 'x-amz-executed-version': '$LATEST', ...(failed ? { 'x-amz-function-error': 'Unhandled' } : {}) },
        result.payload,
      );
    }
  }

  /** The engine keeps the URL that a queue was made with; the port may be another since. */
  #localQueueUrls(text: string): string {
    return text.includes('"QueueUrl')
      ? text.replaceAll(/https?:\/\/[^/"]+(?=\/\d{12}\/)/g, `http://${this.#parts.host}`)
      : text;
  }

  #callerIdentity({ accessKeyId, requestId }: CloudRequest): string {
    const { iam, account } = this.#parts;
    const arn = iam.userArn(accessKeyId);
    return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>${accessKeyId}:local</UserId><Account>${account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;
  }
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, text: string): void {
  response.writeHead(status, {
    ...headers,
    ...(status === 204 ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
  });
  response.end(text);
}

/** Of the services whose protocol is a form. */
function form({ body }: CloudRequest): URLSearchParams {
  return new URLSearchParams(body.toString('utf8'));
}

function parseBody(body: Buffer): Body {
  try {
    const value: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Body;
  } catch {
    // Answered below, as the services do.
  }
  throw new ServiceError('SerializationException', 'Start of structure or map found where not expected.');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

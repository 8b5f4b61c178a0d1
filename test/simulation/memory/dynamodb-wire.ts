/** The SDK's real client over the store, for the few commands that an adapter sends with middleware of its own. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { DynamoDBClient, DynamoDBServiceException } from '@aws-sdk/client-dynamodb';

interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

type Ask = (operation: string, input: object) => Promise<object>;

export function wireClient(ask: Ask): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: 'http://in-memory',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'simulation', secretAccessKey: 'simulation' },
    maxAttempts: 1,
    requestHandler: { handle: (request: HttpRequest) => answer(request, ask) } as never,
  });
}

async function answer({ headers, body }: HttpRequest, ask: Ask) {
  const operation = headers['x-amz-target']?.split('.').at(-1) ?? '';
  try {
    const { $metadata: _none, ...output } = (await ask(operation, JSON.parse(textOf(body)) as object)) as {
      $metadata?: unknown;
    };
    return response(200, output);
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    const { name, message, $metadata } = error;
    return response($metadata.httpStatusCode ?? 400, {
      __type: `com.amazonaws.dynamodb.v20120810#${name}`,
      message,
    });
  }
}

function textOf(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body);
}

function response(statusCode: number, content: object) {
  const bytes = Buffer.from(JSON.stringify(content));
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': String(bytes.length),
    'x-amz-crc32': String(crc32(bytes)),
  };
  return { response: { statusCode, headers, body: Readable.from([bytes]) } };
}

import type { IncomingMessage } from 'node:http';
import { ServiceError } from './aws-errors.ts';
import type { Access } from './iam.ts';

/** What an S3 request is about. */
export interface S3Address {
  readonly operation: string;
  /** '' where the request names no bucket; the key likewise. */
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

/** Parameters that every operation may carry: the SDK names its operation in `x-id`. */
const ANYWHERE = ['x-id'];
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  ListBuckets: [],
  HeadBucket: [],
  GetBucketVersioning: ['versioning'],
  GetObjectLockConfiguration: ['object-lock'],
  ListObjectsV2: [
    'list-type',
    'prefix',
    'delimiter',
    'max-keys',
    'continuation-token',
    'start-after',
    'fetch-owner',
    'encoding-type',
  ],
  ListObjectVersions: [
    'versions',
    'prefix',
    'delimiter',
    'max-keys',
    'key-marker',
    'version-id-marker',
    'encoding-type',
  ],
  DeleteObjects: ['delete'],
  PutObject: [],
  GetObject: ['versionId'],
  HeadObject: ['versionId'],
  DeleteObject: ['versionId'],
  GetObjectRetention: ['retention', 'versionId'],
  PutObjectRetention: ['retention', 'versionId'],
  GetObjectTagging: ['tagging', 'versionId'],
  PutObjectTagging: ['tagging', 'versionId'],
};

/** The operations that are there. */
export const S3_OPERATIONS: readonly string[] = Object.keys(PARAMETERS);

/** Names the operation of a request, in path style or with the bucket in the host. */
export function readS3Address(incoming: IncomingMessage): S3Address {
  // Not by URL, which would resolve a `..` that belongs to the key.
  const [, path = '/', search = ''] = /^([^?]*)\??(.*)$/.exec(incoming.url ?? '/') ?? [];
  const query = new URLSearchParams(search);
  const host = String(incoming.headers.host ?? '').replace(/:\d+$/, '');
  // A client that speaks to an IP address puts the bucket into the path; another one may put it before the host.
  const [, inHost] = /^(.+)\.(?:localhost|s3[.-].+)$/.exec(host) ?? [];
  const [first = '', ...rest] = (inHost === undefined ? path : `/${inHost}${path}`).slice(1).split('/');
  const address = { bucket: decode(first), key: decode(rest.join('/')), query };
  const operation = operationOf(incoming, address);
  const allowed = PARAMETERS[operation];
  const strange = [...query.keys()].find(
    (name) => allowed !== undefined && !allowed.includes(name) && !ANYWHERE.includes(name),
  );
  return { operation: strange === undefined ? operation : `${operation} with ?${strange}`, ...address };
}

function operationOf(
  incoming: IncomingMessage,
  { bucket, key, query }: Omit<S3Address, 'operation'>,
): string {
  const method = incoming.method ?? 'GET';
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : method;
  if (key === '') {
    if (method === 'HEAD') return 'HeadBucket';
    if (method === 'POST' && query.has('delete')) return 'DeleteObjects';
    if (method !== 'GET') return `${method} of a bucket`;
    if (query.has('versions')) return 'ListObjectVersions';
    if (query.has('versioning')) return 'GetBucketVersioning';
    if (query.has('object-lock')) return 'GetObjectLockConfiguration';
    return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
  }
  const part = query.has('retention') ? 'Retention' : query.has('tagging') ? 'Tagging' : '';
  switch (method) {
    case 'GET':
      return `GetObject${part}`;
    case 'HEAD':
      return 'HeadObject';
    case 'DELETE':
      return `DeleteObject${part}`;
    case 'PUT':
      if (incoming.headers['x-amz-copy-source'] !== undefined) return 'CopyObject';
      return `PutObject${part}`;
    default:
      return `${method} of an object`;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ServiceError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

/** What an S3 request needs. */
export function s3Access({ operation, bucket, key, query }: S3Address, incoming: IncomingMessage): Access[] {
  const arn = `arn:aws:s3:::${bucket}`;
  const object = `${arn}/${key}`;
  const { headers } = incoming;
  const ofVersion = query.has('versionId') ? 'Version' : '';
  switch (operation) {
    case 'ListBuckets':
      return [{ action: 's3:ListAllMyBuckets', resource: '*' }];
    case 'HeadBucket':
      return [{ action: 's3:ListBucket', resource: arn }];
    case 'ListObjectsV2':
    case 'ListObjectVersions': {
      const action = operation === 'ListObjectsV2' ? 's3:ListBucket' : 's3:ListBucketVersions';
      const context: Record<string, string[]> = { 's3:prefix': [query.get('prefix') ?? ''] };
      const delimiter = query.get('delimiter');
      if (delimiter !== null) context['s3:delimiter'] = [delimiter];
      return [{ action, resource: arn, context }];
    }
    case 'GetObjectLockConfiguration':
      return [{ action: 's3:GetBucketObjectLockConfiguration', resource: arn }];
    case 'GetBucketVersioning':
      return [{ action: `s3:${operation}`, resource: arn }];
    // Each key is checked by itself: one that may not be deleted is an error of that key alone.
    case 'DeleteObjects':
      return [];
    case 'PutObject':
      return [
        { action: 's3:PutObject', resource: object },
        ...(headers['x-amz-object-lock-mode'] === undefined
          ? []
          : [{ action: 's3:PutObjectRetention', resource: object }]),
        ...(headers['x-amz-tagging'] === undefined
          ? []
          : [{ action: 's3:PutObjectTagging', resource: object }]),
        ...(headers['if-match'] === undefined ? [] : [{ action: 's3:GetObject', resource: object }]),
      ];
    case 'GetObject':
    case 'HeadObject':
      return [{ action: `s3:GetObject${ofVersion}`, resource: object }];
    case 'DeleteObject':
      return [{ action: `s3:DeleteObject${ofVersion}`, resource: object }];
    case 'GetObjectTagging':
      return [{ action: `s3:GetObject${ofVersion}Tagging`, resource: object }];
    case 'PutObjectTagging':
      return [{ action: `s3:PutObject${ofVersion}Tagging`, resource: object }];
    default:
      return [{ action: `s3:${operation}`, resource: object }];
  }
}

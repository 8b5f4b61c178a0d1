import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ServiceError } from './aws-errors.ts';
import type { CloudRequest } from './endpoint.ts';
import type { Access } from './iam.ts';
import type { BucketModel, CloudModel } from './model.ts';
import { readS3Body } from './s3-body.ts';
import { listCurrent, listVersions } from './s3-lists.ts';
import type { S3Address } from './s3-requests.ts';
import {
  checkHeaders,
  checkWrite,
  denied,
  type Headers,
  isLocked,
  kept,
  lockHeaders,
  matches,
  noObjectLock,
  preconditionFailed,
  rangeOf,
  readRetention,
  retentionOf,
} from './s3-rules.ts';
import { S3Store, type S3Version } from './s3-store.ts';
import { tagsOfHeader, tagsOfXml } from './s3-tags.ts';
import { elementsOf, textOf, writeXml } from './s3-xml.ts';

const KEY_BYTES_MAX = 1_024;
const DELETE_MAX = 1_000;

/**
 * Whether the caller of a request may also do something else; some answers depend on it. What only decides how much is
 * said is asked `aside`: nobody wanted to do it, so it counts neither as used nor as refused.
 */
export type May = (access: Access, how?: 'aside') => boolean;

interface Asked {
  readonly address: S3Address;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly may: May;
}

/** What is answered: XML or nothing, or the bytes of a version. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text?: string;
  readonly file?: { readonly path: string; readonly start: number; readonly end: number };
}

/**
 * S3 over the file system, for the buckets of the template: whole objects by single-part puts, verified checksums,
 * conditional writes, versions, Object Lock and tags. Multipart uploads, copies and ACLs are not there and are refused.
 */
export class S3 {
  readonly #buckets: ReadonlyMap<string, BucketModel>;
  readonly #account: string;
  readonly #region: string;
  readonly #store: S3Store;
  readonly #now: () => number;

  constructor(
    model: Pick<CloudModel, 'buckets' | 'account' | 'region'>,
    dataDir: string,
    now: () => number = Date.now,
  ) {
    this.#buckets = new Map(model.buckets.map((bucket) => [bucket.name, bucket]));
    this.#account = model.account;
    this.#region = model.region;
    this.#store = new S3Store(dataDir);
    this.#now = now;
  }

  /** Carries out a request and answers it; with `discard` the answer is dropped. Throws ServiceError. */
  async answer(request: CloudRequest, address: S3Address, may: May, discard: boolean): Promise<void> {
    const { incoming, response, body, requestId } = request;
    const { headers } = incoming;
    const answer = await this.#operate({ address, headers, body, may });
    if (discard) return;
    await send(response, answer, { 'x-amz-request-id': requestId }, incoming.method === 'HEAD');
  }

  close(): void {
    this.#store.close();
  }

  async #operate(asked: Asked): Promise<Answer> {
    const { address, headers } = asked;
    const { query } = address;
    if (address.operation === 'ListBuckets') return this.#listBuckets();
    const bucket = this.#bucket(address.bucket);
    const owner = headers['x-amz-expected-bucket-owner'];
    if (owner !== undefined && owner !== this.#account) throw denied();
    switch (address.operation) {
      case 'HeadBucket':
        return { status: 200, headers: { 'x-amz-bucket-region': this.#region } };
      case 'GetBucketVersioning':
        return xml('VersioningConfiguration', { Status: bucket.versioned ? 'Enabled' : undefined });
      case 'GetObjectLockConfiguration':
        return lockConfiguration(bucket);
      case 'ListObjectsV2':
        return xml('ListBucketResult', listCurrent(this.#store, bucket.name, query));
      case 'ListObjectVersions':
        return xml('ListVersionsResult', listVersions(this.#store, bucket.name, query));
      case 'DeleteObjects':
        return this.#deleteMany(bucket, asked);
      case 'PutObject':
        return this.#put(bucket, asked);
      case 'GetObject':
      case 'HeadObject':
        return this.#get(bucket, asked);
      case 'DeleteObject': {
        const { key } = address;
        return { status: 204, headers: await this.#delete(bucket, key, query.get('versionId'), asked) };
      }
      case 'GetObjectRetention': {
        const { retention } = this.#find(bucket, asked);
        if (retention === undefined)
          throw new ServiceError(
            'NoSuchObjectLockConfiguration',
            'The specified object does not have a ObjectLock configuration',
            404,
          );
        const { mode, untilMs } = retention;
        return xml('Retention', { Mode: mode, RetainUntilDate: new Date(untilMs).toISOString() });
      }
      case 'GetObjectTagging': {
        const { tags, versionId } = this.#find(bucket, asked);
        const all = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
        const answer = xml('Tagging', { TagSet: { Tag: all } });
        return { ...answer, headers: { ...answer.headers, ...versionHeader(bucket, versionId) } };
      }
      case 'PutObjectTagging':
        return this.#tag(bucket, asked);
      default:
        return this.#retain(bucket, asked);
    }
  }

  #listBuckets(): Answer {
    const all = [...this.#buckets.keys()].toSorted().map((name) => ({ Name: name }));
    return xml('ListAllMyBucketsResult', { Buckets: { Bucket: all }, Owner: { ID: this.#account } });
  }

  #bucket(name: string): BucketModel {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined)
      throw new ServiceError('NoSuchBucket', 'The specified bucket does not exist', 404, {
        BucketName: name,
      });
    return bucket;
  }

  async #put(bucket: BucketModel, { address, headers, body: raw }: Asked): Promise<Answer> {
    const { key } = address;
    if (Buffer.byteLength(key) > KEY_BYTES_MAX)
      throw new ServiceError('KeyTooLongError', 'Your key is too long');
    checkHeaders(headers);
    const body = readS3Body(headers, raw);
    const retention = retentionOf(bucket, headers, this.#now());
    const tags = tagsOfHeader(headers['x-amz-tagging']);
    if (retention !== undefined && !body.checked)
      throw new ServiceError(
        'InvalidRequest',
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
      );
    const file = await this.#store.write(body.bytes);
    const etag = createHash('md5').update(body.bytes).digest('hex');
    const versionId = bucket.versioned ? newVersionId() : 'null';
    let replaced: S3Version | undefined;
    try {
      // Nobody can come between the condition and the write: a transaction has no await in it.
      replaced = this.#store.transaction(() => {
        const current = this.#store.current(bucket.name, key);
        checkWrite(headers, current);
        if (!bucket.versioned && current !== undefined) this.#store.remove(current);
        this.#store.add({
          bucket: bucket.name,
          key,
          versionId,
          isMarker: false,
          file,
          bytes: body.bytes.length,
          etag,
          modifiedMs: this.#now(),
          headers: kept(headers, body.contentEncoding),
          checksums: body.checksums,
          retention,
          tags,
        });
        return bucket.versioned ? undefined : current;
      });
    } catch (error) {
      await this.#store.discard(file);
      throw error;
    }
    if (replaced !== undefined) await this.#store.discard(replaced.file);
    return {
      status: 200,
      headers: { etag: `"${etag}"`, ...body.checksums, ...ENCRYPTION, ...versionHeader(bucket, versionId) },
    };
  }

  #get(bucket: BucketModel, asked: Asked): Answer {
    const { headers } = asked;
    const version = this.#find(bucket, asked);
    const about: Headers = {
      'accept-ranges': 'bytes',
      etag: `"${version.etag}"`,
      'last-modified': new Date(version.modifiedMs).toUTCString(),
      ...version.headers,
      ...ENCRYPTION,
      ...versionHeader(bucket, version.versionId),
      ...lockHeaders(version.retention),
      ...this.#tagCount(bucket, version, asked),
    };
    if (!matches(headers['if-match'], version.etag)) throw preconditionFailed('If-Match');
    if (headers['if-none-match'] !== undefined && matches(headers['if-none-match'], version.etag))
      return { status: 304, headers: about };
    const range = rangeOf(headers.range, version.bytes);
    // A checksum is of the whole object: a part is answered without it.
    const checksums =
      headers['x-amz-checksum-mode'] === 'ENABLED' && range === undefined ? version.checksums : {};
    const { start, end } = range ?? { start: 0, end: version.bytes - 1 };
    return {
      status: range === undefined ? 200 : 206,
      headers: {
        ...about,
        ...checksums,
        'content-length': String(end - start + 1),
        ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${version.bytes}` }),
      },
      file: { path: this.#store.pathOf(version.file), start, end },
    };
  }

  /** The version that a request asks for. Without the right to list, what is missing is forbidden. */
  #find(bucket: BucketModel, { address, may }: Asked): S3Version {
    const { key, query } = address;
    const versionId = query.get('versionId');
    if (versionId !== null) {
      const version = this.#store.version(bucket.name, key, versionId);
      if (version?.isMarker === true)
        throw new ServiceError(
          'MethodNotAllowed',
          'The specified method is not allowed against this resource.',
          405,
          {
            header: { 'x-amz-delete-marker': 'true' },
          },
        );
      if (version !== undefined) return version;
      throw new ServiceError('NoSuchVersion', 'The specified version does not exist.', 404);
    }
    const current = this.#store.current(bucket.name, key);
    if (current !== undefined && !current.isMarker) return current;
    if (!may({ action: 's3:ListBucket', resource: bucket.arn })) throw denied();
    throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404, {
      Key: key,
      ...(current === undefined ? {} : { header: { 'x-amz-delete-marker': 'true' } }),
    });
  }

  /** Without a version id a versioned bucket gets a delete marker; with one that version is gone for good. */
  async #delete(bucket: BucketModel, key: string, versionId: string | null, asked: Asked): Promise<Headers> {
    const { name } = bucket;
    if (versionId === null && bucket.versioned) {
      const marker = newVersionId();
      this.#store.add({
        bucket: name,
        key,
        versionId: marker,
        isMarker: true,
        file: '',
        bytes: 0,
        etag: '',
        modifiedMs: this.#now(),
        headers: {},
        checksums: {},
        retention: undefined,
        tags: {},
      });
      return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker };
    }
    const version =
      versionId === null ? this.#store.current(name, key) : this.#store.version(name, key, versionId);
    if (version !== undefined) {
      if (isLocked(version.retention, this.#now()) && !mayBypass(version, bucket, asked))
        throw denied('because object protected by object lock.');
      this.#store.remove(version);
      await this.#store.discard(version.file);
    }
    return {
      ...(version?.isMarker === true ? { 'x-amz-delete-marker': 'true' } : {}),
      ...(versionId === null ? {} : { 'x-amz-version-id': versionId }),
    };
  }

  async #deleteMany(bucket: BucketModel, asked: Asked): Promise<Answer> {
    const { bytes, checked } = readS3Body(asked.headers, asked.body);
    if (!checked) throw missingChecksum();
    const text = bytes.toString('utf8');
    const objects = elementsOf(text, 'Object').map((object) => ({
      key: textOf(object, 'Key') ?? '',
      versionId: textOf(object, 'VersionId') ?? null,
    }));
    if (objects.length === 0 || objects.length > DELETE_MAX || objects.some(({ key }) => key === ''))
      throw new ServiceError(
        'MalformedXML',
        'The XML you provided was not well-formed or did not validate against our published schema',
      );
    const deleted: Headers[] = [];
    const errors: Headers[] = [];
    for (const { key, versionId } of objects) {
      const action = `s3:DeleteObject${versionId === null ? '' : 'Version'}`;
      const named = { Key: key, ...(versionId === null ? {} : { VersionId: versionId }) };
      try {
        if (!asked.may({ action, resource: `${bucket.arn}/${key}` })) throw denied();
        const headers = await this.#delete(bucket, key, versionId, asked);
        const marker = headers['x-amz-delete-marker'];
        const id = headers['x-amz-version-id'];
        deleted.push({
          ...named,
          ...(marker === undefined ? {} : { DeleteMarker: marker, DeleteMarkerVersionId: id ?? '' }),
        });
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        errors.push({ ...named, Code: error.type, Message: error.message });
      }
    }
    const isQuiet = textOf(text, 'Quiet') === 'true';
    return xml('DeleteResult', { Deleted: isQuiet ? [] : deleted, Error: errors });
  }

  #retain(bucket: BucketModel, asked: Asked): Answer {
    if (!bucket.objectLock) throw noObjectLock();
    const text = readS3Body(asked.headers, asked.body).bytes.toString('utf8');
    const retention = readRetention(textOf(text, 'Mode'), textOf(text, 'RetainUntilDate'), this.#now());
    const version = this.#find(bucket, asked);
    const before = version.retention;
    const weaker =
      before !== undefined &&
      (retention.untilMs < before.untilMs ||
        (before.mode === 'COMPLIANCE' && retention.mode !== 'COMPLIANCE'));
    if (weaker && isLocked(before, this.#now()) && !mayBypass(version, bucket, asked))
      throw denied('because object protected by object lock.');
    this.#store.retain(version, retention);
    return { status: 200, headers: {} };
  }

  /** Tags may be changed under a lock: they are no part of what is locked. */
  #tag(bucket: BucketModel, asked: Asked): Answer {
    const { bytes, checked } = readS3Body(asked.headers, asked.body);
    if (!checked) throw missingChecksum();
    const tags = tagsOfXml(bytes.toString('utf8'));
    const version = this.#find(bucket, asked);
    this.#store.tag(version, tags);
    return { status: 200, headers: versionHeader(bucket, version.versionId) };
  }

  /** Who may not read the tags is not told how many there are. */
  #tagCount(bucket: BucketModel, { key, tags }: S3Version, { may }: Asked): Headers {
    const count = Object.keys(tags).length;
    return count > 0 && may({ action: 's3:GetObjectTagging', resource: `${bucket.arn}/${key}` }, 'aside')
      ? { 'x-amz-tagging-count': String(count) }
      : {};
  }
}

const ENCRYPTION: Headers = { 'x-amz-server-side-encryption': 'AES256' };

function versionHeader(bucket: BucketModel, versionId: string): Headers {
  return bucket.versioned ? { 'x-amz-version-id': versionId } : {};
}

function lockConfiguration({ objectLock, defaultRetention }: BucketModel): Answer {
  if (!objectLock)
    throw new ServiceError(
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
      404,
    );
  const rule =
    defaultRetention === undefined
      ? undefined
      : { DefaultRetention: { Mode: defaultRetention.mode, Days: defaultRetention.days } };
  return xml('ObjectLockConfiguration', { ObjectLockEnabled: 'Enabled', Rule: rule });
}

/** Governance may be bypassed by who may, and says so; compliance by nobody. */
function mayBypass(version: S3Version, bucket: BucketModel, { headers, may }: Asked): boolean {
  return (
    version.retention?.mode === 'GOVERNANCE' &&
    headers['x-amz-bypass-governance-retention'] === 'true' &&
    may({ action: 's3:BypassGovernanceRetention', resource: `${bucket.arn}/${version.key}` })
  );
}

function missingChecksum(): ServiceError {
  return new ServiceError(
    'InvalidRequest',
    'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
  );
}

function newVersionId(): string {
  return randomUUID().replaceAll('-', '');
}

function xml(root: string, content: Parameters<typeof writeXml>[1]): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, text: writeXml(root, content) };
}

async function send(
  response: ServerResponse,
  { status, headers, text, file }: Answer,
  extra: Headers,
  isHead: boolean,
): Promise<void> {
  if (file !== undefined && !isHead && file.end >= file.start) {
    response.writeHead(status, { ...headers, ...extra });
    // A reader that goes away in the middle is its own affair.
    await pipeline(createReadStream(file.path, { start: file.start, end: file.end }), response).catch(() =>
      response.destroy(),
    );
    return;
  }
  const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  response.writeHead(status, { ...headers, ...extra, ...length });
  response.end(isHead ? undefined : text);
}

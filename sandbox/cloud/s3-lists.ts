import { ServiceError } from './aws-errors.ts';
import { LAST, type S3Store, type S3Version } from './s3-store.ts';
import type { Xml } from './s3-xml.ts';

type Content = { readonly [name: string]: Xml };

const KEYS_MAX = 1_000;
const PAGE = 500;

interface Listing {
  readonly prefix: string;
  readonly delimiter: string;
  readonly max: number;
  /** Keys as they are written in the answer. */
  readonly write: (key: string) => string;
}

/** ListObjectsV2: current objects in the order of their keys, those below a delimiter as their common prefix. */
export function listCurrent(store: S3Store, bucket: string, query: URLSearchParams): Content {
  const listing = readListing(query);
  const { prefix, delimiter, max, write } = listing;
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : readToken(token);
  const objects: Content[] = [];
  const prefixes: string[] = [];
  let last = after;
  let isTruncated = false;
  for (let isMore = max > 0; isMore && !isTruncated; ) {
    const page = store.currents(bucket, prefix, last, PAGE);
    isMore = page.length === PAGE;
    for (const version of page) {
      isTruncated = objects.length + prefixes.length >= max;
      if (isTruncated) break;
      const common = commonPrefix(version.key, listing);
      last = common === undefined ? version.key : `${common}${LAST}`;
      if (common === undefined) {
        objects.push(describe(version, write));
      } else {
        prefixes.push(common);
        // What else lies below it is skipped by asking anew.
        isMore = true;
        break;
      }
    }
  }
  return {
    Name: bucket,
    Prefix: write(prefix),
    Delimiter: delimiter === '' ? undefined : write(delimiter),
    MaxKeys: max,
    KeyCount: objects.length + prefixes.length,
    IsTruncated: isTruncated,
    ContinuationToken: token ?? undefined,
    NextContinuationToken: isTruncated ? Buffer.from(last).toString('base64url') : undefined,
    EncodingType: query.get('encoding-type') ?? undefined,
    Contents: objects,
    CommonPrefixes: prefixes.map((common) => ({ Prefix: write(common) })),
  };
}

/** ListObjectVersions: all versions and delete markers, by key, the newest first. */
export function listVersions(store: S3Store, bucket: string, query: URLSearchParams): Content {
  const { prefix, delimiter, max, write } = readListing(query);
  if (delimiter !== '')
    throw new ServiceError('NotImplemented', 'The local cloud lists versions without a delimiter only', 501);
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('version-id-marker') ?? '';
  const marked = idMarker === '' ? undefined : store.version(bucket, keyMarker, idMarker);
  let key = keyMarker;
  let seq = marked?.seq ?? 0;
  const found: S3Version[] = [];
  for (;;) {
    const page = store.versions(bucket, key, seq, PAGE);
    for (const version of page) {
      if (version.key.startsWith(prefix)) found.push(version);
      if (found.length > max) break;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE || found.length > max) break;
    ({ key, seq } = last);
  }
  const shown = found.slice(0, max);
  const next = found.length > max ? shown.at(-1) : undefined;
  const entry = (version: S3Version): Content => ({
    ...describe(version, write),
    VersionId: version.versionId,
    IsLatest: store.current(bucket, version.key)?.seq === version.seq,
  });
  return {
    Name: bucket,
    Prefix: write(prefix),
    KeyMarker: write(keyMarker),
    VersionIdMarker: idMarker,
    MaxKeys: max,
    IsTruncated: next !== undefined,
    NextKeyMarker: next && write(next.key),
    NextVersionIdMarker: next?.versionId,
    EncodingType: query.get('encoding-type') ?? undefined,
    Version: shown.filter(({ isMarker }) => !isMarker).map(entry),
    DeleteMarker: shown.filter(({ isMarker }) => isMarker).map(entry),
  };
}

function readListing(query: URLSearchParams): Listing {
  const encoding = query.get('encoding-type');
  const max = Number(query.get('max-keys') ?? KEYS_MAX);
  if (!Number.isInteger(max) || max < 0)
    throw new ServiceError(
      'InvalidArgument',
      'Argument max-keys must be an integer between 0 and 2147483647',
    );
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    max: Math.min(max, KEYS_MAX),
    write: encoding === 'url' ? (key) => encodeURIComponent(key).replaceAll('%2F', '/') : (key) => key,
  };
}

function readToken(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8');
}

function commonPrefix(key: string, { prefix, delimiter }: Listing): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function describe(version: S3Version, write: (key: string) => string): Content {
  const common = { Key: write(version.key), LastModified: new Date(version.modifiedMs).toISOString() };
  if (version.isMarker) return common;
  const [checksum] = Object.keys(version.checksums);
  return {
    ...common,
    ETag: `"${version.etag}"`,
    Size: version.bytes,
    StorageClass: 'STANDARD',
    ChecksumAlgorithm: checksum?.replace('x-amz-checksum-', '').toUpperCase(),
  };
}

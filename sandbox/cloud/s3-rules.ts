import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from './aws-errors.ts';
import type { BucketModel, RetentionMode } from './model.ts';
import type { Retention, S3Version } from './s3-store.ts';

/** What S3 makes of the headers of a request: conditions, ranges, retention, and what is kept with an object. */

const DAY_MS = 86_400_000;

/** Headers of a PutObject that are kept with the object and answered with it. */
const KEPT_HEADERS = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires'];
/** Headers of S3 that a PutObject may carry; another one is refused, because it would ask for something. */
const KNOWN_HEADERS =
  /^x-amz-(meta-.+|checksum-.+|content-sha256|date|decoded-content-length|trailer|sdk-checksum-algorithm|user-agent|security-token|expected-bucket-owner|object-lock-(mode|retain-until-date)|bypass-governance-retention|server-side-encryption|storage-class|tagging)$/;

export type Headers = Record<string, string>;

export function lockHeaders(retention: Retention | undefined): Headers {
  if (retention === undefined) return {};
  return {
    'x-amz-object-lock-mode': retention.mode,
    'x-amz-object-lock-retain-until-date': new Date(retention.untilMs).toISOString(),
  };
}

export function checkHeaders(headers: IncomingHttpHeaders): void {
  const strange = Object.keys(headers).find((name) => name.startsWith('x-amz-') && !KNOWN_HEADERS.test(name));
  if (strange !== undefined)
    throw new ServiceError(
      'NotImplemented',
      `The local cloud does not know the header ${strange} of PutObject (docs/local-cloud.md lists what it has)`,
      501,
    );
}

export function kept(headers: IncomingHttpHeaders, contentEncoding: string | undefined): Headers {
  const all: Headers = contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding };
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && (KEPT_HEADERS.includes(name) || name.startsWith('x-amz-meta-')))
      all[name] = value;
  }
  return all;
}

/** If-None-Match and If-Match of a write. */
export function checkWrite(headers: IncomingHttpHeaders, current: S3Version | undefined): void {
  const there = current !== undefined && !current.isMarker ? current : undefined;
  const unless = headers['if-none-match'];
  if (unless !== undefined && unless !== '*')
    throw new ServiceError(
      'NotImplemented',
      'A header you provided implies functionality that is not implemented',
      501,
    );
  if (unless === '*' && there !== undefined) throw preconditionFailed('If-None-Match');
  const onlyIf = headers['if-match'];
  if (onlyIf === undefined) return;
  if (there === undefined) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
  if (!matches(onlyIf, there.etag)) throw preconditionFailed('If-Match');
}

/** Whether an If-Match or If-None-Match names this ETag; a missing one matches. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return true;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replaceAll('"', '') === etag);
}

/** Undefined when the whole object is asked for, or the header is none that S3 reads. */
export function rangeOf(
  header: string | undefined,
  bytes: number,
): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (start > end) throw new ServiceError('InvalidRange', 'The requested range is not satisfiable', 416);
  return { start, end };
}

/** The retention of a new version: its own, else the bucket's default. */
export function retentionOf(
  bucket: BucketModel,
  headers: IncomingHttpHeaders,
  nowMs: number,
): Retention | undefined {
  const mode = headers['x-amz-object-lock-mode'];
  const until = headers['x-amz-object-lock-retain-until-date'];
  if (mode !== undefined || until !== undefined) {
    if (!bucket.objectLock) throw noObjectLock();
    return readRetention(mode, until, nowMs);
  }
  const byDefault = bucket.defaultRetention;
  return byDefault && { mode: byDefault.mode, untilMs: nowMs + byDefault.days * DAY_MS };
}

export function readRetention(mode: unknown, until: unknown, nowMs: number): Retention {
  const untilMs = Date.parse(String(until));
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || Number.isNaN(untilMs))
    throw new ServiceError(
      'InvalidArgument',
      'A retention needs the mode GOVERNANCE or COMPLIANCE and a date.',
    );
  if (untilMs <= nowMs)
    throw new ServiceError('InvalidArgument', 'The retain until date must be in the future!');
  const known: RetentionMode = mode;
  return { mode: known, untilMs };
}

export function isLocked(retention: Retention | undefined, nowMs: number): boolean {
  return retention !== undefined && retention.untilMs > nowMs;
}

export function denied(why = ''): ServiceError {
  return new ServiceError('AccessDenied', `Access Denied${why === '' ? '' : ` ${why}`}`, 403);
}

export function noObjectLock(): ServiceError {
  return new ServiceError('InvalidRequest', 'Bucket is missing Object Lock Configuration');
}

export function preconditionFailed(condition: string): ServiceError {
  return new ServiceError(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    412,
    { Condition: condition },
  );
}

/** What S3 throws at the adapters, as the SDK's own classes: for the store in memory, and for faults put into it. */
import { NoSuchBucket, NoSuchKey, S3ServiceException } from '@aws-sdk/client-s3';

const metadata = (httpStatusCode: number) => ({
  httpStatusCode,
  requestId: 'in-memory',
  attempts: 1,
  totalRetryDelay: 0,
});

export function noSuchBucket(): NoSuchBucket {
  return new NoSuchBucket({ message: 'The specified bucket does not exist', $metadata: metadata(404) });
}

export function noSuchKey(): NoSuchKey {
  return new NoSuchKey({ message: 'The specified key does not exist.', $metadata: metadata(404) });
}

export function keyTooLong(): S3ServiceException {
  return s3Error('KeyTooLongError', 'Your key is too long', 400);
}

/** Too many requests; the SDK has tried again already. */
export function slowDown(): S3ServiceException {
  return s3Error('SlowDown', 'Please reduce your request rate.', 503);
}

/** Two writers put one key under a condition in the same moment, and this one is to try again. */
export function conditionalConflict(): S3ServiceException {
  return s3Error(
    'ConditionalRequestConflict',
    'The conditional request cannot succeed due to a conflicting operation against this resource.',
    409,
  );
}

/** The SDK's own error: an object's bytes are not those whose SHA-256 is stored with it. */
export function checksumMismatch(expected: string, found: string): Error {
  return new Error(
    `Checksum mismatch: expected "${found}" but received "${expected}" in response header "x-amz-checksum-sha256".`,
  );
}

function s3Error(name: string, message: string, status: number): S3ServiceException {
  return new S3ServiceException({
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: metadata(status),
    message,
  });
}

import { invalid, unsupported } from './intrinsics.ts';
import type { BucketModel, RetentionMode } from './model.ts';
import type { Resource } from './template.ts';

interface LockConfiguration {
  readonly ObjectLockEnabled?: string;
  readonly Rule?: {
    readonly DefaultRetention?: { readonly Mode?: string; readonly Days?: unknown; readonly Years?: unknown };
  };
}

const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export function buildBucket({ logicalId, name, arn, props }: Resource): BucketModel {
  if (!NAME.test(name))
    throw invalid(
      `${logicalId}.BucketName`,
      `${name} is no name of a bucket (3 to 63 small letters, digits, - and .)`,
    );
  const status = (props.VersioningConfiguration as { Status?: string } | undefined)?.Status;
  if (status === 'Suspended')
    throw unsupported(`${logicalId}.VersioningConfiguration`, 'suspended versioning');
  const objectLock = String(props.ObjectLockEnabled) === 'true';
  const lock = props.ObjectLockConfiguration as LockConfiguration | undefined;
  if (lock !== undefined && !objectLock)
    throw invalid(`${logicalId}.ObjectLockConfiguration`, 'it needs ObjectLockEnabled');
  return {
    logicalId,
    name,
    arn,
    // A bucket with Object Lock is versioned, whatever else is said.
    versioned: status === 'Enabled' || objectLock,
    objectLock,
    defaultRetention: retentionOf(lock, `${logicalId}.ObjectLockConfiguration`),
  };
}

function retentionOf(lock: LockConfiguration | undefined, at: string): BucketModel['defaultRetention'] {
  const rule = lock?.Rule?.DefaultRetention;
  if (rule === undefined) return undefined;
  if (rule.Mode !== 'GOVERNANCE' && rule.Mode !== 'COMPLIANCE')
    throw invalid(at, `the retention mode ${String(rule.Mode)} is neither GOVERNANCE nor COMPLIANCE`);
  const days = rule.Days === undefined ? Number(rule.Years) * 365 : Number(rule.Days);
  if (!(days > 0)) throw invalid(at, 'a default retention needs Days or Years');
  const mode: RetentionMode = rule.Mode;
  return { mode, days };
}

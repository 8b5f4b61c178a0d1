import { ConfigError } from '../../config/config-error.ts';
import { EnvironmentError } from '../../config/env.ts';
import { BackupError } from '../../lib/backup/backup-error.ts';
import { RestoreError, type RestoreErrorCode } from '../../lib/backup/restore-error.ts';
import { FunctionFailedError } from '../../lib/ports/function-caller.ts';
import { LogGroupMissingError } from '../../lib/ports/log-reader.ts';
import { ReconcileError, type ReconcileErrorCode } from '../../lib/reconcile/reconcile-error.ts';
import { CliError, type ExitCode, exit } from './exit.ts';
import { startCommand } from './sandbox-place.ts';

/** Where the failed call went, for the advice. */
export interface FailurePlace {
  readonly stage: string;
  /** The sandbox's data folder; undefined for a deployed stage. */
  readonly dataDir?: string | undefined;
}

interface Words {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
}

const network = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'TimeoutError',
  'EPROTO',
]);
const expired = new Set(['ExpiredTokenException', 'ExpiredToken', 'TokenRefreshRequired', 'RequestExpired']);
const unknownCaller = new Set([
  'CredentialsProviderError',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'MissingAuthenticationTokenException',
  'AuthFailure',
]);
const denied = new Set(['AccessDeniedException', 'AccessDenied', 'AuthorizationErrorException', 'Forbidden']);
const missing = new Set([
  'ResourceNotFoundException',
  'NoSuchBucket',
  'NotFound',
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
]);
const skewed = new Set(['RequestTimeTooSkewed', 'InvalidSignatureException', 'SignatureDoesNotMatch']);
const throttled = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
]);

/** What a restore refuses because of how it was asked; anything else is a check that found a problem. */
const refusals: ReadonlySet<RestoreErrorCode> = new Set([
  'RESTORE_REASON_MISSING',
  'RESTORE_ACCOUNT_NOT_IN_BACKUP',
  'RESTORE_BOOK_NOT_EMPTY',
  'RESTORE_OTHER_BEGUN',
  'RESTORE_BEGUN',
]);

/** A question about runs that was asked wrongly; what lies in the bucket and is not what it was is a found problem. */
const reconcileExits: Readonly<Record<ReconcileErrorCode, ExitCode>> = {
  RECONCILE_REQUEST_INVALID: exit.input,
  RECONCILE_ACCOUNT_UNKNOWN: exit.input,
  RUN_FENCED: exit.fault,
  RUN_CONTENTION: exit.fault,
  RUN_UNKNOWN: exit.input,
  EVIDENCE_MISSING: exit.problem,
  EVIDENCE_CORRUPT: exit.problem,
  PLAN_MISSING: exit.problem,
  PLAN_CORRUPT: exit.problem,
  PAUSE_INVALID: exit.input,
  ACKNOWLEDGE_INVALID: exit.input,
};

/** The deployed functions know another configuration than this program does; they changed nothing. */
const askedWrongly: ReadonlySet<string> = new Set([
  'RECONCILE_REQUEST_INVALID',
  'RECONCILE_ACCOUNT_UNKNOWN',
  'PLAN_REQUEST_INVALID',
  'PLAN_ACCOUNT_UNKNOWN',
]);

/** What went wrong in words, what to do, and the exit code. Unexpected errors keep their stack. */
export function explain(error: unknown, place: FailurePlace): Words {
  if (error instanceof CliError) return error;
  if (error instanceof ConfigError || error instanceof EnvironmentError) {
    return own(error, exit.input);
  }
  if (error instanceof LogGroupMissingError) return own(error, exit.unreachable);
  if (error instanceof BackupError) return own(error, backupExit(error));
  if (error instanceof RestoreError) return own(error, refusals.has(error.code) ? exit.input : exit.problem);
  if (error instanceof ReconcileError) return own(error, reconcileExits[error.code]);
  if (error instanceof FunctionFailedError) return failedFunction(error);
  const { name, message, codes } = read(error);
  const is = (known: ReadonlySet<string>) => codes.some((code) => known.has(code));
  const unreachable = (code: string, text: string): Words => ({
    code,
    message: text,
    exitCode: exit.unreachable,
  });
  if (is(network)) return unreachable('UNREACHABLE', noAnswer(place, message));
  if (codes.includes('NotImplemented') && place.dataDir !== undefined) {
    return unreachable(
      'NOT_IN_SANDBOX',
      `${message}. Logs of the sandbox's parts lie in ${place.dataDir}/logs and ${place.dataDir}/cloud/logs.`,
    );
  }
  if (is(expired)) {
    return unreachable(
      'CREDENTIALS_EXPIRED',
      'Your AWS credentials have expired. Log in again (for example aws sso login, with the same AWS_PROFILE) and repeat the command.',
    );
  }
  if (is(unknownCaller)) {
    return unreachable(
      'CREDENTIALS_MISSING',
      `AWS does not know these credentials, or there are none (${message}). Choose a profile with AWS_PROFILE, or log in (aws sso login); aws sts get-caller-identity shows who you are.`,
    );
  }
  if (is(denied)) {
    return unreachable(
      'ACCESS_DENIED',
      `You are not allowed to do this: ${message}. Use a role that may operate the stage ${place.stage}, or ask for that action to be granted.`,
    );
  }
  if (/region is missing/i.test(message)) {
    return unreachable(
      'REGION_MISSING',
      `No AWS region is known. Set aws.region in config/${place.stage}.yml, or AWS_REGION.`,
    );
  }
  if (is(missing)) {
    return unreachable(
      'STAGE_NOT_DEPLOYED',
      `${message}. The stage ${place.stage} is not deployed in this account and region, or by an older version. Check AWS_PROFILE and the region; deploy it as docs/deploy.md says.`,
    );
  }
  if (is(skewed)) {
    return unreachable(
      'SIGNATURE_REFUSED',
      `AWS refuses the signature (${message}). Check that this machine's clock is right (timedatectl), then the credentials.`,
    );
  }
  if (is(throttled)) {
    return unreachable(
      'THROTTLED',
      `AWS limits the calls just now (${message}). Wait a little and repeat the command.`,
    );
  }
  if (hasCode(error)) return own(error, exit.fault);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return { code: name, message: `Unexpected: ${stack}`, exitCode: exit.fault };
}

/** That there is none is a wrong name; anything else is a check that found a problem. */
function backupExit({ code }: BackupError): ExitCode {
  return code === 'BACKUP_NOT_FOUND' ? exit.input : exit.problem;
}

/** What the function said in its own words, where it has some, and where the rest of it is. */
function failedFunction({ code, functionName, errorType, said }: FunctionFailedError): Words {
  const [, ownCode, text] = /^([A-Z]+(?:_[A-Z]+)+): (.+)$/s.exec(said) ?? [];
  const part = functionName.replace(/^evenkeel-[a-z]+-/, '');
  const log = `The function ${functionName} ended so; its log has the rest: logs ${part}.`;
  if (ownCode !== undefined && text !== undefined)
    return {
      code: ownCode,
      message: `${text} ${log}`,
      exitCode: askedWrongly.has(ownCode) ? exit.input : exit.fault,
    };
  return { code, message: `${errorType}: ${said.replace(/\.?$/, '.')} ${log}`, exitCode: exit.fault };
}

/** The project's own errors begin with their code. */
function own({ code, message }: Error & { readonly code: string }, exitCode: ExitCode): Words {
  return { code, message: message.replace(`${code}: `, ''), exitCode };
}

function noAnswer({ stage, dataDir }: FailurePlace, message: string): string {
  if (dataDir === undefined) {
    return `AWS does not answer for the stage ${stage} (${message}). Check the network, the proxy and the region.`;
  }
  return `The sandbox that ran in ${dataDir} does not answer (${message}). Start it in another terminal: ${startCommand(dataDir)}.`;
}

/** Names and codes of an error and of what it wraps: a refused connection comes as an AggregateError. */
function read(error: unknown): { name: string; message: string; codes: readonly string[] } {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), codes: [] };
  const { code, errors, cause, Code } = error as Error & {
    code?: unknown;
    Code?: unknown;
    errors?: readonly unknown[];
  };
  const inner = [...(errors ?? []), cause].filter((one) => one instanceof Error).map(read);
  const codes = [error.name, code, Code].filter((one) => typeof one === 'string');
  const message = (error.message || inner[0]?.message || error.name).replace(/\.$/, '');
  return { name: error.name, message, codes: [...codes, ...inner.flatMap((one) => one.codes)] };
}

/** One of the project's own errors: its message is meant for a person. */
function hasCode(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    /^[A-Z]+(_[A-Z]+)+$/.test(String((error as { code?: unknown }).code)) &&
    error.message.startsWith(`${(error as unknown as { code: string }).code}: `)
  );
}

/** What Secrets Manager refuses of a request, and what of it is not emulated. */
import { ServiceError } from './aws-errors.ts';

type Input = Readonly<Record<string, unknown>>;

const VALUE_BYTES_MAX = 65_536;

export function checkedValue({ SecretString }: Input): string {
  if (typeof SecretString !== 'string' || SecretString === '')
    throw new ServiceError(
      'InvalidRequestException',
      'You must provide either SecretString or SecretBinary.',
    );
  // As the service does: the value itself is never part of the message.
  if (Buffer.byteLength(SecretString) > VALUE_BYTES_MAX) {
    throw new ServiceError(
      'ValidationException',
      "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536",
    );
  }
  return SecretString;
}

/** SDKs make one up; whoever calls without an SDK has to. */
export function checkedToken({ ClientRequestToken }: Input): string {
  const token = String(ClientRequestToken ?? '');
  if (token.length >= 32 && token.length <= 64) return token;
  throw new ServiceError('InvalidParameterException', 'ClientRequestToken must be 32-64 characters long.');
}

/** What would be ignored here, AWS would obey. */
export function refuseOthers(input: Input, known: readonly string[]): void {
  const other = Object.keys(input).find((key) => !known.includes(key));
  if (other !== undefined) throw notHere(`the parameter ${other} of Secrets Manager`);
}

export function notHere(what: string): ServiceError {
  return new ServiceError(
    'NotImplemented',
    `The local cloud does not have ${what} (docs/local-cloud.md lists what it has)`,
    501,
  );
}

/** Secrets Manager. What is read here is looked at and forgotten: no value leaves this file, not even in an error. */
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  ListSecretsCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { filled } from '../domain/safety/placeholder.ts';
import {
  type SecretFacts,
  type SecretStore,
  SecretStoreError,
  type SecretValue,
} from '../ports/secret-store.ts';

/** Of a value; a limit of the service. */
const bytesMax = 65_536;
const pageSize = 100;
/** A stage has one secret for each login and one for its channels. */
const secretsMax = 1_000;

export class SecretsManagerStore implements SecretStore {
  readonly #client: SecretsManagerClient;

  constructor(client: SecretsManagerClient) {
    this.#client = client;
  }

  async list(prefix: string): Promise<readonly SecretFacts[]> {
    const found: SecretFacts[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListSecretsCommand({
          Filters: [{ Key: 'name', Values: [prefix] }],
          MaxResults: pageSize,
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      );
      for (const { Name = '', LastChangedDate, CreatedDate } of page.SecretList ?? [])
        found.push(await this.#facts(Name, (LastChangedDate ?? CreatedDate)?.getTime()));
      NextToken = page.NextToken;
    } while (NextToken !== undefined && found.length < secretsMax);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async look(name: string): Promise<SecretFacts | undefined> {
    try {
      const { SecretString, CreatedDate } = await this.#client.send(
        new GetSecretValueCommand({ SecretId: name }),
      );
      return { name, changedAtMs: CreatedDate?.getTime(), ...keysOf(SecretString) };
    } catch (error) {
      if (isBeingDeleted(error)) throw beingDeleted(name);
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  async write(name: string, value: SecretValue, keep: boolean): Promise<'created' | 'changed'> {
    const before = keep ? await this.#read(name) : {};
    const SecretString = JSON.stringify({ ...before, ...value });
    if (Buffer.byteLength(SecretString) > bytesMax) {
      throw new SecretStoreError(
        'SECRET_TOO_LARGE',
        `${name} would have more than ${bytesMax} bytes, which is all that Secrets Manager keeps in one secret. Nothing was written.`,
      );
    }
    try {
      return await this.#put(name, SecretString);
    } catch (error) {
      if (isBeingDeleted(error)) throw beingDeleted(name);
      throw withoutValues(error, value);
    }
  }

  async #put(name: string, SecretString: string): Promise<'created' | 'changed'> {
    try {
      await this.#client.send(new PutSecretValueCommand({ SecretId: name, SecretString }));
      return 'changed';
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
    try {
      await this.#client.send(new CreateSecretCommand({ Name: name, SecretString }));
      return 'created';
    } catch (error) {
      if (!(error instanceof ResourceExistsException)) throw error;
      // Somebody else made it in between: ours is the later word.
      await this.#client.send(new PutSecretValueCommand({ SecretId: name, SecretString }));
      return 'changed';
    }
  }

  /** Keys need the permission to read the value; a list is of use without it. */
  async #facts(name: string, changedAtMs: number | undefined): Promise<SecretFacts> {
    try {
      const facts = await this.look(name);
      if (facts !== undefined) return { ...facts, changedAtMs: changedAtMs ?? facts.changedAtMs };
      return { name, changedAtMs, keys: undefined, problem: 'it has no value' };
    } catch (error) {
      if (!(error instanceof Error) || !error.name.startsWith('AccessDenied')) throw error;
      return { name, changedAtMs, keys: undefined, problem: 'you may not read it' };
    }
  }

  async #read(name: string): Promise<object> {
    try {
      const { SecretString } = await this.#client.send(new GetSecretValueCommand({ SecretId: name }));
      const before = objectOf(SecretString);
      if (before !== undefined) return before;
      throw new SecretStoreError(
        'SECRET_NOT_JSON',
        `The value of ${name} is no JSON object, so nothing can be added to it. Nothing was written. Write it whole with --stdin.`,
      );
    } catch (error) {
      if (isBeingDeleted(error)) throw beingDeleted(name);
      if (error instanceof ResourceNotFoundException) return {};
      throw error;
    }
  }
}

function keysOf(text: string | undefined): Pick<SecretFacts, 'keys' | 'problem'> {
  const object = objectOf(text);
  if (object === undefined) return { keys: undefined, problem: 'its value is no JSON object' };
  const keys = Object.entries(object).map(([name, value]) => ({ name, state: filled(value) }));
  return { keys, problem: '' };
}

function objectOf(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    // The text of the error quotes the value.
    return undefined;
  }
}

/** A secret that is on its way out keeps its name for the days of its recovery window. */
function isBeingDeleted(error: unknown): boolean {
  return error instanceof InvalidRequestException && /delet/i.test(error.message);
}

function beingDeleted(name: string): SecretStoreError {
  return new SecretStoreError(
    'SECRET_BEING_DELETED',
    `${name} is marked for deletion, and its name is taken until then. Take it back with: aws secretsmanager restore-secret --secret-id ${name}`,
  );
}

/** The service does not repeat a secret in its errors; should it ever, it stops here. */
function withoutValues(error: unknown, value: SecretValue): unknown {
  if (!(error instanceof Error)) return error;
  for (const text of textsOf(value)) {
    error.message = error.message.replaceAll(text, '***');
    if (error.stack !== undefined) error.stack = error.stack.replaceAll(text, '***');
  }
  return error;
}

function textsOf(value: SecretValue): string[] {
  return Object.values(value).flatMap((each) => (typeof each === 'string' ? [each] : textsOf(each)));
}

import { filled } from '../../lib/domain/safety/placeholder.ts';
import type { SecretFacts, SecretStore, SecretValue } from '../../lib/ports/secret-store.ts';

/** Secrets in memory. A test may look at the values; the port does not show them. */
export class MemorySecrets implements SecretStore {
  readonly values = new Map<string, SecretValue>();

  async list(prefix: string): Promise<readonly SecretFacts[]> {
    const names = [...this.values.keys()].filter((name) => name.startsWith(prefix)).sort();
    return names.map((name) => this.#facts(name));
  }

  async look(name: string): Promise<SecretFacts | undefined> {
    return this.values.has(name) ? this.#facts(name) : undefined;
  }

  async write(name: string, value: SecretValue, keep: boolean): Promise<'created' | 'changed'> {
    const before = this.values.get(name);
    this.values.set(name, { ...(keep ? before : {}), ...value });
    return before === undefined ? 'created' : 'changed';
  }

  #facts(name: string): SecretFacts {
    const keys = Object.entries(this.values.get(name)!).map(([key, value]) => ({
      name: key,
      state: filled(value),
    }));
    return { name, changedAtMs: Date.UTC(2026, 0, 5, 14), keys, problem: '' };
  }
}

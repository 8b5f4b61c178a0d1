/** A local cloud of which every decision about permissions is on record, and from which one grant can be taken away. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalCloud } from '../../../sandbox/cloud/cloud.ts';
import type { AccessDecision } from '../../../sandbox/cloud/iam.ts';
import { assemblyWithout, type Grant } from './grants.ts';

export const account = 'DU1234567';
export const stage = 'sandbox';
export const prefix = `evenkeel-${stage}`;
export const waitMs = 60_000;

/** A role was refused something while an exercise waited for what it does. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError';
}

export interface WatchedCloudParts {
  readonly cloud: LocalCloud;
  readonly grants: readonly Grant[];
  /** What the cloud was started with. */
  readonly assembly: string;
  /** For edited templates. */
  readonly folder: string;
  readonly remove: () => void;
}

export class WatchedCloud {
  readonly cloud: LocalCloud;
  readonly grants: readonly Grant[];
  /** Of IAM since the last change of permissions, each of them once. */
  readonly decisions = new Map<string, AccessDecision>();
  readonly remove: () => void;
  readonly #assembly: string;
  readonly #folder: string;
  #edits = 0;

  constructor({ cloud, grants, assembly, folder, remove }: WatchedCloudParts) {
    this.cloud = cloud;
    this.grants = grants;
    this.remove = remove;
    this.#assembly = assembly;
    this.#folder = folder;
    cloud.watchAccess((decision) => {
      const { role, access, allowed } = decision;
      this.decisions.set(`${role} ${access.action} ${access.resource} ${allowed}`, decision);
    });
  }

  /** Takes one pair away, as a deployment would, until `restore`. */
  async withhold(grant: Grant): Promise<void> {
    this.#edits += 1;
    const folder = path.join(this.#folder, `edit-${this.#edits}`);
    await mkdir(folder);
    await this.cloud.deployPermissions(await assemblyWithout(grant, this.#assembly, prefix, folder));
    this.decisions.clear();
  }

  async restore(): Promise<void> {
    await this.cloud.deployPermissions(this.#assembly);
    this.decisions.clear();
  }

  /** Waits until nothing goes on any more that an exercise has begun. */
  async quiet(): Promise<void> {
    await this.cloud.idle(waitMs);
  }

  /** Waits for what an exercise leads to. A refusal ends the wait: what would have come does not come any more. */
  async until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
    for (const deadline = Date.now() + waitMs; Date.now() < deadline; await sleep(10)) {
      if (await isSo()) return;
      const denied = [...this.decisions.values()].find(({ allowed }) => !allowed);
      if (denied !== undefined) throw new DeniedError(`${denied.access.action} on ${denied.access.resource}`);
    }
    const problems = this.cloud.stats().problems.slice(-5).join('\n');
    throw new Error(`${what} did not come within ${waitMs} ms.\n${problems}`);
  }
}

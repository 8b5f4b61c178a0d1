/** The operator's program over runs and plans that are real: book and control table on an engine, buckets in memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../../bin/evenkeel/io.ts';
import { runEvenkeel } from '../../../bin/evenkeel/program.ts';
import type { StagePorts } from '../../../bin/evenkeel/stage-ports.ts';
import { run as applyPlan } from '../../../functions/apply-plan/run.ts';
import { canonicalJson, digest } from '../../../lib/aws/audit-hash.ts';
import type { Json } from '../../../lib/domain/book/item.ts';
import { proofHeader, proofText } from '../../../lib/ports/identity-proof.ts';
import type { DynamoEngine } from '../../helpers/dynamo-engine.ts';
import { identities } from '../../helpers/plan-desk.ts';
import { ReconcileDesk } from '../../helpers/reconcile-desk.ts';
import { account as worldAccount } from '../../helpers/reconcile-world.ts';

/** As a configuration has accounts; the world of reconcile has a shorter one. */
export const account = 'DU1234567';
const awsAccount = '111122223333';
export const operator = `arn:aws:sts::${awsAccount}:assumed-role/DeskOperator/anna`;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class ReconcileCliDesk {
  readonly desk: ReconcileDesk;
  readonly folder: string;
  readonly asked: { readonly name: string; readonly payload: Json }[] = [];
  /** Who may approve. */
  approvers: readonly string[] = ['*'];
  /** Stands for a function instead of the real one. */
  answer: ((name: string, payload: Json) => Promise<Json>) | undefined;
  /** What a person types in answer; undefined where nobody sits there. */
  ask: Io['ask'];
  settings: Record<string, Json> = {};
  backup: () => Promise<{ readonly id: string }> = async () => ({ id: 'db_backup_20260105_143500' });
  colours = false;
  /** The streamer's epoch now; that of the snapshots is the desk's. */
  leaseToken = 1;
  /** Standard error of the command that runs, so far. */
  heard = '';
  /** Ctrl-C for the command that runs. */
  interrupt: () => void = () => undefined;

  private constructor(desk: ReconcileDesk, folder: string) {
    this.desk = desk;
    this.folder = folder;
  }

  static async open(engine: DynamoEngine, prefix: string): Promise<ReconcileCliDesk> {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-reconcile-'));
    const streamers = `streamers: [{ name: main, account: ${account}, symbols: [ES] }]`;
    writeFileSync(join(folder, 'sandbox.yml'), `stage: sandbox\n${streamers}\n`);
    writeFileSync(
      join(folder, 'endpoint.json'),
      JSON.stringify({ endpoint: engine.endpoint, region: 'us-east-1' }),
    );
    return new ReconcileCliDesk(await ReconcileDesk.open(engine, prefix), folder);
  }

  stop(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async json(...argv: string[]) {
    const { out, err } = await this.run(...argv, '--json');
    return JSON.parse(out || err);
  }

  async run(...argv: string[]): Promise<Ran> {
    let out = '';
    this.heard = '';
    const output = (write: (text: string) => void) => ({ write, isTTY: this.colours, columns: 110 });
    const quit = new AbortController();
    this.interrupt = () => quit.abort();
    const io: Io = {
      out: output((text) => {
        out += text;
      }),
      err: output((text) => {
        this.heard += text;
      }),
      env: { EVENKEEL_CONFIG_DIR: this.folder },
      signal: quit.signal,
      nowMs: () => this.desk.nowMs,
      ask: this.ask,
      sleep: () => new Promise((resolve) => void setTimeout(resolve, 1)),
    };
    const code = await runEvenkeel(['--data', this.folder, ...argv], io, () => this.ports(), '0.0.0');
    return { code, out, err: this.heard };
  }

  ports(): StagePorts {
    const { tables, store, snapshots } = this.desk;
    const none = () => {
      throw new Error('no part of these tests');
    };
    return {
      book: {
        read: (_, refs) => tables.book.read(worldAccount, refs),
        all: () => tables.book.all(worldAccount),
        list: (_, kind) => tables.book.list(worldAccount, kind),
        commit: (change) => tables.book.commit({ ...change, account: worldAccount }),
      },
      audit: {
        chains: () => tables.audit.chains(worldAccount),
        rows: (_, writer, fromDay) => tables.audit.rows(worldAccount, writer, fromDay),
        rowsOfOrder: (_, orderKey) => tables.audit.rowsOfOrder(worldAccount, orderKey),
      },
      reconcile: async () => store,
      snapshots: async () => snapshots,
      identity: { whoAmI: async () => ({ account: awsAccount, arn: operator, clockSkewMs: 0 }) },
      proveIdentity: async (purpose, planHash) => ({
        url: `${operator} ${crypto.randomUUID()}`,
        headers: { [proofHeader]: proofText(purpose, planHash) },
      }),
      functions: { call: (name, payload) => this.#call(name, payload) },
      leases: {
        read: async () => ({
          holder: 'main',
          token: this.leaseToken,
          version: 1,
          renewedAtMs: this.desk.nowMs,
          released: false,
        }),
        replace: none,
      },
      heartbeats: { read: none, write: none },
      candles: undefined as never,
      deployment: undefined as never,
      secrets: undefined as never,
      alerts: undefined as never,
      logs: undefined as never,
      queues: undefined as never,
      tables: undefined as never,
      commands: none,
      archive: none,
      backups: none,
      restoreTarget: none,
      scratch: undefined as never,
    };
  }

  async #call(name: string, asked: Json): Promise<Json> {
    this.asked.push({ name, payload: asked });
    const payload = { ...(asked as object), account: worldAccount } as unknown as Json;
    if (this.answer !== undefined) return this.answer(name, payload);
    if (name === 'evenkeel-sandbox-reconcile') {
      this.desk.world.later();
      return (await this.desk.runNow(payload as object, {}, this.settings)) as unknown as Json;
    }
    const { tables, store } = this.desk;
    const arn = `arn:aws:lambda:eu-west-1:${awsAccount}:function:${name}`;
    const answer = await applyPlan(payload, arn, {
      stage: 'sandbox',
      book: tables.another(),
      plans: store,
      canonicalJson,
      digest,
      massChange: { share: '0.2', atLeast: 10 },
      identities,
      approvers: this.approvers,
      accounts: [worldAccount],
      backup: () => this.backup(),
      commands: () => ({ send: async () => undefined }),
      publisher: { publish: async (events) => events.map(() => ({ ok: true }) as const) },
      logger: quiet,
      nowMs: () => this.desk.nowMs,
      sleep: async () => undefined,
    });
    return answer as unknown as Json;
  }
}

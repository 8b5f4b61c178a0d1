import type { RestoreTarget } from '../../lib/backup/restore-types.ts';
import type { AlertMemoryStore } from '../../lib/ports/alert-memory.ts';
import type { AuditTrail } from '../../lib/ports/audit-trail.ts';
import type { BackupStore } from '../../lib/ports/backup-store.ts';
import type { Book } from '../../lib/ports/book.ts';
import type { CandleStore } from '../../lib/ports/candle-store.ts';
import type { CommandSender } from '../../lib/ports/command-queue.ts';
import type { DeploymentProbe } from '../../lib/ports/deployment-probe.ts';
import type { FunctionCaller } from '../../lib/ports/function-caller.ts';
import type { IdentityProof, ProofPurpose } from '../../lib/ports/identity-proof.ts';
import type { HeartbeatStore, LeaseStore } from '../../lib/ports/lease-store.ts';
import type { LogReader } from '../../lib/ports/log-reader.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import type { SecretStore } from '../../lib/ports/secret-store.ts';
import type { IdentityProbe, QueueProbe, TableProbe } from '../../lib/ports/stage-probes.ts';
import type { ScratchTables } from '../../lib/ports/table-load.ts';

/** Everything of a stage that an operator reads or changes. */
export interface StagePorts {
  readonly book: Book;
  readonly audit: AuditTrail;
  readonly leases: LeaseStore;
  readonly heartbeats: HeartbeatStore;
  readonly candles: CandleStore;
  /** What the desk of alerts remembers. */
  readonly alerts: Pick<AlertMemoryStore, 'read'>;
  readonly logs: LogReader;
  readonly identity: IdentityProbe;
  readonly deployment: DeploymentProbe;
  readonly secrets: SecretStore;
  readonly queues: QueueProbe;
  readonly tables: TableProbe;
  /** The command queue of a streamer, by its name. */
  readonly commands: (streamer: string) => Promise<CommandSender>;
  /** The bucket of snapshots. Its name holds the AWS account, so that is asked for first. */
  readonly snapshots: () => Promise<ObjectStore>;
  /** The bucket of the archive (docs/archive.md). */
  readonly archive: () => Promise<ObjectStore>;
  /** The bucket of reconcile: evidence, verdicts, plans. */
  readonly reconcile: () => Promise<ObjectStore>;
  /** The bucket of backups, and where it is. */
  readonly backups: () => Promise<{
    readonly store: BackupStore;
    readonly awsAccount: string;
    readonly region: string;
  }>;
  readonly functions: FunctionCaller;
  /** Signs, with the credentials of whoever runs the program, that he means this plan. Sends nothing. */
  readonly proveIdentity: (purpose: ProofPurpose, planHash: string) => Promise<IdentityProof>;
  /** What a restore writes to: the stage's own tables, or those of a drill. */
  readonly restoreTarget: (tables: {
    readonly book: string;
    readonly audit: string;
    readonly control: string;
  }) => RestoreTarget;
  readonly scratch: ScratchTables;
}

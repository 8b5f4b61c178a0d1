/**
 * One streamer process of a run, put together as `streamer/main.ts` does it: outbox on a real SQLite file, delivery, lease
 * keeper, supervisor and the whole duty; only the network around it is simulated. It dies in the middle of a call, as by
 * SIGKILL, or stops as by SIGTERM.
 */
import type { Config } from '../../../config/schema.ts';
import { HeartbeatTable } from '../../../lib/aws/heartbeat-table.ts';
import { LeaseTable } from '../../../lib/aws/lease-table.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { CommandSource } from '../../../lib/ports/command-queue.ts';
import { type EventDelivery, openDelivery } from '../../../streamer/event-delivery.ts';
import { LeaseKeeper } from '../../../streamer/lease-keeper.ts';
import type { Logger } from '../../../streamer/logger.ts';
import { Supervisor } from '../../../streamer/supervisor.ts';
import { StreamerDuty } from '../../../streamer/supervisor-duty.ts';
import type { Cloud } from './cloud.ts';
import { type LinkWorld, SimulatedLink } from './link.ts';
import { Part, type PartWorld } from './part.ts';

export interface StreamerWorld extends LinkWorld, PartWorld {
  readonly cloud: Cloud;
  readonly config: Config;
  readonly logger: (part: Part) => Logger;
  /** Events that this process has put into its outbox: from then on they must not be lost. */
  recorded(process: StreamerProcess, events: readonly Envelope[], refused: readonly Envelope[]): void;
  began(process: StreamerProcess, token: number): void;
  /** It cannot go on, and says so. */
  refused(process: StreamerProcess, error: Error): void;
}

export class StreamerProcess extends Part {
  readonly path: string;
  readonly lease: LeaseKeeper;
  readonly delivery: EventDelivery;
  /** Nothing was left in its outbox when it stopped. */
  isEmpty = false;
  /** Its disk dies with it. */
  losesDisk = false;
  /** Of the term that it serves; 0 without one. */
  token = 0;
  readonly #world: StreamerWorld;
  readonly #supervisor: Supervisor<StreamerDuty>;

  constructor(name: string, path: string, world: StreamerWorld) {
    super(name, world);
    this.path = path;
    this.#world = world;
    const { config, cloud } = world;
    const logger = world.logger(this);
    const streamer = { ...config.streamers[0]!, dbPath: path };
    const clients = cloud.clientsOf(this);
    this.delivery = openDelivery({ config, streamer, logger, bus: clients.bus, book: clients.bookQueue });
    this.#watchDisk();
    this.lease = new LeaseKeeper({
      account: streamer.account,
      store: new LeaseTable({ client: clients.dynamodb, tableName: cloud.names.control, timeoutMs: 5_000 }),
      config: { ...config.lease, holder: `${streamer.name}/${this.delivery.outbox.holder}` },
      logger,
    });
    this.#supervisor = new Supervisor<StreamerDuty>({
      lease: this.lease,
      lastEpoch: () => this.delivery.outbox.lastEpoch,
      begin: (term) => {
        this.token = term.token;
        world.began(this, term.token);
        return new StreamerDuty({
          config,
          streamer,
          logger,
          delivery: this.delivery,
          term,
          waitForGateway: true,
          onFatal: (error) => world.refused(this, error),
          openLink: (_target, listener, mayWrite) =>
            new SimulatedLink({ world, part: this, account: streamer.account, listener, mayWrite }),
          cloud: {
            heartbeats: new HeartbeatTable({ client: clients.dynamodb, tableName: cloud.names.control }),
            commands: this.#commands(),
            snapshots: clients.store('snapshots'),
            snapshotBucket: 'snapshots',
            book: clients.book,
          },
        });
      },
    });
  }

  get duty(): StreamerDuty | undefined {
    return this.#supervisor.duty;
  }

  start(): void {
    this.delivery.wake();
    this.#supervisor.run().catch((error: unknown) => this.uncaught(error));
  }

  override kill(at?: string): void {
    if (!this.isAlive) return;
    super.kill(at);
    this.duty?.closeLink();
    this.delivery.outbox.close();
  }

  /** As a deployment ends it: link first, then the lease, then what is left to send. */
  async stop(): Promise<void> {
    await this.#supervisor.stop();
    this.isEmpty = await this.delivery.close(this.#world.config.shutdown.timeoutMs);
    this.kill('a clean stop');
  }

  /** Calls to SQLite are places where a process may die; what is in the file when they return is there for good. */
  #watchDisk(): void {
    const { outbox } = this.delivery;
    const append = outbox.append.bind(outbox);
    const remove = outbox.remove.bind(outbox);
    const bury = outbox.bury.bind(outbox);
    outbox.append = (...args) =>
      this.do('disk append', () => {
        const refused = append(...args);
        this.#world.recorded(this, args[0], refused);
        return refused;
      });
    outbox.remove = (...args) => this.do('disk remove', () => remove(...args));
    outbox.bury = (...args) => this.do('disk bury', () => bury(...args));
    const { journal } = outbox;
    const begin = journal.begin.bind(journal);
    const end = journal.end.bind(journal);
    journal.begin = (...args) => this.do('disk begin', () => begin(...args));
    journal.end = (...args) => this.do('disk end', () => end(...args));
  }

  #commands(): CommandSource {
    const { commands } = this.#world.cloud;
    const ask = <T>(call: string, effect: () => T): Promise<T> => this.ask('sqs', `sqs ${call}`, effect);
    return {
      receive: async (signal) => {
        for (let waits = 0; waits < 10 && !signal.aborted; waits += 1) {
          const [got] = await ask('receive', () => commands.receive(1));
          if (got !== undefined) return [got];
          await commands.wait(2_000);
        }
        return [];
      },
      hold: (receipt) => ask('hold', () => commands.hide(receipt, 20_000)),
      giveBack: (receipt) => ask('give back', () => commands.hide(receipt, 0)),
      remove: (receipt) => ask('remove', () => commands.remove(receipt)),
    };
  }
}

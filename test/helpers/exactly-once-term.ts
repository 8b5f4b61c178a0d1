/** One term of the lease in a run: what `StreamerDuty` puts together, over a gateway in memory. */
import { digest } from '../../lib/aws/audit-hash.ts';
import type { BrokerFact, BrokerList } from '../../lib/domain/orders/broker-facts.ts';
import type { TrackerEmit } from '../../lib/domain/orders/tracker.ts';
import type { TrackerDoc } from '../../lib/domain/orders/tracker-types.ts';
import type { EventData } from '../../lib/events/catalogue.ts';
import type { Command } from '../../lib/events/command.ts';
import type { Book } from '../../lib/ports/book.ts';
import type { CommandSource } from '../../lib/ports/command-queue.ts';
import { AccountWorth } from '../../streamer/account-worth.ts';
import type { BrokerLink } from '../../streamer/broker-link.ts';
import { ListDesk } from '../../streamer/broker-lists.ts';
import { CommandRunner } from '../../streamer/command-runner.ts';
import type { EventRecorder } from '../../streamer/event-recorder.ts';
import type { LeaseTerm } from '../../streamer/lease-keeper.ts';
import { OrderCommands } from '../../streamer/order-commands.ts';
import { OrderDesk } from '../../streamer/order-desk.ts';
import type { OrderJournal } from '../../streamer/order-journal.ts';
import type { OrderToWrite } from '../../streamer/order-writer.ts';
import type { Duty } from '../../streamer/supervisor.ts';
import { TrackerDriver } from '../../streamer/tracker-driver.ts';
import type { TradingView } from '../../streamer/trading-view.ts';
import { account, type Connection, clientId, type GatewayClient } from './exactly-once-gateway.ts';
import type { StreamerProcess } from './exactly-once-process.ts';

const commandEndMs = 3_000;
const requestIdsFrom = 1_000_000_000;

export class Term implements Duty, GatewayClient {
  readonly token: number;
  readonly desk: OrderDesk;
  readonly #process: StreamerProcess;
  readonly #lease: LeaseTerm;
  readonly #lists: ListDesk;
  readonly #tracker: TrackerDriver;
  readonly #commands: CommandRunner;
  #connection: Connection | undefined;
  #isReady = false;
  #nextValidId = 0;
  #isOver = false;
  #untold: (() => void)[] = [];

  constructor(process: StreamerProcess, lease: LeaseTerm) {
    const { outbox, around, streamer } = process;
    const { time, config, logger } = around;
    const systemMs = () => time.nowMs;
    const mayWrite = () => process.isAlive && lease.mayWrite();
    this.token = lease.token;
    this.#process = process;
    this.#lease = lease;
    let reqId = requestIdsFrom;
    this.#lists = new ListDesk(this.#link(), {
      account,
      timeoutMs: config.orders.listTimeoutMs,
      nextReqId: () => {
        reqId += 1;
        return reqId;
      },
    });
    this.#tracker = new TrackerDriver({
      options: { account, resyncMs: config.orders.resyncMs },
      memory: outbox.memory(),
      epoch: lease.token,
      lists: this.#lists,
      recorder: this.#recorder(),
      logger,
      systemMs,
    });
    const view = this.#view();
    const worth = new AccountWorth(account, view, () => undefined, systemMs);
    view.listen(worth);
    this.desk = new OrderDesk({
      config,
      streamer,
      view,
      book: this.#book(),
      journal: this.#journal(),
      holder: outbox.holder,
      token: lease.token,
      mayWrite,
      answer: (answer) => this.#tell(() => around.answered(answer), true),
      raise: (alert) => this.#tell(() => around.raised(alert), false),
      logger,
      systemMs,
      sha256: digest,
      worth,
    });
    const orders = new OrderCommands({
      account,
      desk: this.desk,
      view,
      cancelHost: {
        clientId,
        collect: () => this.#lists.collect('open-orders'),
        mayWrite,
        cancel: (orderId) => view.cancel(orderId),
        raise: (alert) => this.#tell(() => around.raised(alert), false),
        logger,
        systemMs,
      },
      listPositions: () => this.#lists.collect('positions'),
      systemMs,
    });
    this.#commands = new CommandRunner({
      account,
      source: this.#source(),
      perform: async (command: Command, signal) => {
        if (command.type !== 'snapshot') await orders.perform(command, signal);
      },
      raise: (alert) => this.#tell(() => around.raised(alert), false),
      mayWrite,
      logger,
      systemMs,
    });
  }

  get isReady(): boolean {
    return this.#isReady && this.#tracker.synced;
  }

  start(): void {
    this.#connect();
    void this.desk.recover().catch(() => undefined);
    this.#commands.start();
  }

  closeLink(): void {
    this.#isOver = true;
    this.#connection?.cut();
    this.#lost();
  }

  async end(): Promise<void> {
    await Promise.race([this.#commands.stop(), this.#process.around.time.sleep(commandEndMs)]);
    this.desk.stop();
    this.#tracker.stop();
    if (this.#process.term === this) this.#process.term = undefined;
    this.#recorderIsClosed = true;
  }

  /** Nothing of it is said or written any more; its timers are taken away. */
  die(): void {
    this.#isOver = true;
    this.#connection?.cut();
    this.#tracker.stop();
    this.desk.stop();
    void this.#commands.stop();
  }

  ready(nextValidId: number): void {
    if (this.#isOver) return;
    this.#nextValidId = nextValidId;
    this.#isReady = true;
    this.#tracker.connected();
  }

  fact(fact: BrokerFact): void {
    if (this.#process.isAlive) this.#tracker.fact(fact);
  }

  listEnd(end: Parameters<GatewayClient['listEnd']>[0]): void {
    this.#lists.onEnd(end);
  }

  closed(): void {
    if (!this.#process.isAlive) return;
    this.#lost();
    this.#connect();
  }

  #recorderIsClosed = false;

  #lost(): void {
    this.#connection = undefined;
    this.#isReady = false;
    this.#tracker.disconnected();
  }

  #connect(): void {
    const { time, gateway } = this.#process.around;
    if (this.#isOver || !this.#process.isAlive) return;
    if (this.#lease.mayWrite()) this.#connection = gateway.connect(this);
    if (this.#connection === undefined) time.after(time.between(200, 1_000), () => this.#connect());
  }

  /** In the outbox with the end of the turn, as the recorder does it. */
  #tell(told: () => void, isCounted: boolean): void {
    const process = this.#process;
    const push = (): void => {
      this.#untold.push(told);
    };
    if (isCounted) process.do('tell', push);
    else push();
    queueMicrotask(() => {
      const due = this.#untold.splice(0);
      if (process.isAlive && !this.#recorderIsClosed) for (const each of due) each();
    });
  }

  #view(): TradingView {
    const { around, streamer } = this.#process;
    const { time } = around;
    return {
      clientId,
      session: () => ({
        ready: this.isReady,
        canClose: this.#isReady && this.#tracker.canClose,
        phase: this.#isReady ? 'ready' : 'lost',
        readOnlyApi: false,
      }),
      managed: () => [account],
      marketMs: () => time.nowMs,
      lines: () => [],
      line: around.line,
      living: () => this.#tracker.living(),
      order: (permId) => this.#tracker.order(permId),
      positions: () => this.#tracker.positions(streamer.account),
      nextValidId: () => this.#nextValidId,
      place: (order) => this.#write(order),
      askMargin: () => Promise.reject(new TypeError('these runs do not ask for margin')),
      cancel: (orderId) => {
        if (this.#connection?.isOpen !== true) return false;
        this.#connection.up(() => around.gateway.cancel(orderId));
        return true;
      },
      doubt: () => this.#tracker.doubt(),
      rounds: () => this.#tracker.rounds,
      judgeEnd: (end) => this.#tracker.judgeEnd(end),
      giveEnd: (end) => this.#tracker.giveEnd(end),
      listen: (listener) => this.#tracker.listen(listener),
    };
  }

  #write(order: OrderToWrite): boolean {
    const process = this.#process;
    const { gateway, writing } = process.around;
    return process.do('place', () => {
      const connection = this.#connection;
      if (connection?.isOpen !== true) return false;
      // The fence in front of the socket: what it refuses is not written, and the link is closed.
      if (!this.#lease.mayWrite()) {
        connection.break();
        return true;
      }
      writing(process, order);
      connection.up(() => gateway.place(order));
      return true;
    });
  }

  #link(): BrokerLink {
    const { gateway } = this.#process.around;
    const ask = (list: BrokerList, reqId = 0): void => {
      const connection = this.#connection;
      connection?.up(() => gateway.list(connection, list, reqId));
    };
    return {
      requestOpenOrders: () => ask('open-orders'),
      requestCompletedOrders: () => ask('completed-orders'),
      requestExecutions: (reqId: number) => ask('executions', reqId),
      subscribePositions: () => ask('positions'),
      subscribeAccount: () => ask('account-values'),
      unsubscribePositions: () => {
        const connection = this.#connection;
        connection?.up(() => {
          connection.followsPositions = false;
        });
      },
      unsubscribeAccount: () => undefined,
    } as unknown as BrokerLink;
  }

  #recorder(): EventRecorder {
    const process = this.#process;
    return {
      record: (events: readonly TrackerEmit[], memory: ReadonlyMap<string, TrackerDoc | null>) => {
        if (!process.isAlive || this.#recorderIsClosed) return;
        process.outbox.append([], { memory });
        for (const event of events)
          if (event.name === 'alert.raised') process.around.raised(event.data as EventData<'alert.raised'>);
      },
    } as unknown as EventRecorder;
  }

  #journal(): OrderJournal {
    const process = this.#process;
    const { journal } = process.outbox;
    return {
      begin: (key: string, nextOrderId: number) => process.do('begin', () => journal.begin(key, nextOrderId)),
      end: (key: string) => process.do('end', () => journal.end(key)),
      keys: () => journal.keys(),
      mayHaveLeft: (key: string) => journal.mayHaveLeft(key),
      get nextOrderId() {
        return journal.nextOrderId;
      },
    } as unknown as OrderJournal;
  }

  #book(): Book {
    const process = this.#process;
    const { table } = process.around;
    return {
      read: (_account, refs) =>
        process.ask('read', undefined, () => {
          const items = refs.map((ref) => table.get(ref));
          return items.map((item) => item && structuredClone(item));
        }),
      commit: async (change) => {
        const head = await process.ask('read', undefined, () => table.head(change.writer));
        const call = change.cause.name.startsWith('order ') ? 'settle' : 'reserve';
        return process.ask('commit', call, () => table.write(change, head));
      },
      list: () => {
        throw new TypeError('a sender of orders lists nothing');
      },
      all: () => {
        throw new TypeError('a sender of orders lists nothing');
      },
    };
  }

  #source(): CommandSource {
    const process = this.#process;
    const { queue } = process.around;
    return {
      receive: async (signal) => {
        for (let waits = 0; waits < 10 && !signal.aborted; waits += 1) {
          const got = await process.ask('queue', undefined, () => queue.take());
          if (got !== undefined) return [got];
          await queue.wait(2_000);
        }
        return [];
      },
      hold: (receipt) => process.ask('queue', undefined, () => queue.hide(receipt, 20_000)),
      giveBack: (receipt) => process.ask('queue', undefined, () => queue.hide(receipt, 0)),
      remove: (receipt) => process.ask('queue', 'remove', () => queue.remove(receipt)),
    };
  }
}

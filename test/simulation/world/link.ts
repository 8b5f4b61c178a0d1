/** The streamer's way to the gateway of a run, in the place of @stoqey/ib: the same questions, the same words back. */
import type { BarSizeSetting, Contract, MarketDataType, Order } from '@stoqey/ib';
import type { BrokerFact, BrokerList } from '../../../lib/domain/orders/broker-facts.ts';
import type { GatewayLink, LinkListener, ListEnd } from '../../../streamer/broker-link-types.ts';
import type { Connection, Gateway, GatewayClient } from '../../helpers/exactly-once-gateway.ts';
import type { Market } from './market.ts';
import type { Part } from './part.ts';
import { Killed, type SimulatedTime } from './time.ts';

const serverVersion = 193;
/** IB's code for a connection that is refused. */
const refusedCode = 502;

export interface LinkWorld {
  readonly time: SimulatedTime;
  readonly gateway: Gateway;
  readonly market: Market;
  /** An order is being written to a socket, whatever becomes of it. */
  writing(part: Part, orderId: number, order: Order): void;
  /** Whether the link breaks over the order that is being written. */
  breaksNow(): boolean;
  /** Something else is being written. */
  asking(part: Part): void;
}

export interface LinkOptions {
  readonly world: LinkWorld;
  readonly part: Part;
  readonly account: string;
  readonly listener: LinkListener;
  readonly mayWrite: () => boolean;
}

export class SimulatedLink implements GatewayLink, GatewayClient {
  attempts = 0;
  /** There are no bytes here. */
  readonly wire = { unreadable: 0, ignored: 0, surplus: 0, broken: 0 };
  nextValidId = 0;
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  #connection: Connection | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#listener = guarded(options);
  }

  open(): void {
    const { world, part, mayWrite } = this.#options;
    this.close();
    this.attempts += 1;
    const { attempts } = this;
    if (!mayWrite()) {
      this.#refused();
      return;
    }
    this.#connection = world.gateway.connect(this);
    if (this.#connection !== undefined) return;
    world.time.after(world.time.between(1, 30), () =>
      part.run(() => {
        if (this.attempts === attempts) this.#listener.disconnected(refusedCode, 'connection refused');
      }),
    );
  }

  close(): void {
    this.#connection?.cut();
    this.#connection = undefined;
  }

  // What the gateway says of the connection itself.

  ready(nextValidId: number): void {
    this.nextValidId = nextValidId;
    this.#listener.ready(serverVersion, [this.#options.account]);
  }

  fact(fact: BrokerFact): void {
    this.#listener.fact(fact);
  }

  listEnd(end: ListEnd): void {
    this.#listener.listEnd(end);
  }

  closed(): void {
    if (this.#connection?.isOpen === true) return;
    this.#connection = undefined;
    this.#listener.disconnected(null, 'the gateway closed the connection');
  }

  // Questions.

  requestTime(): void {
    this.#ask(({ time }, connection) => {
      const seconds = Math.floor(time.nowMs / 1_000);
      connection.down(() => this.#listener.time(seconds));
    });
  }

  requestMarketDataType(_type: MarketDataType): void {
    this.#ask(() => undefined);
  }

  requestContract(reqId: number, contract: Contract): void {
    this.#ask(({ market }, connection) => {
      const { details } = market;
      if (contract.conId === details.contract.conId || contract.symbol === details.contract.symbol)
        connection.down(() => this.#listener.contract(reqId, details));
      connection.down(() => this.#listener.contractEnd(reqId));
    });
  }

  requestOpenOrders(): void {
    this.#list('open-orders');
  }

  requestCompletedOrders(): void {
    this.#list('completed-orders');
  }

  requestExecutions(reqId: number): void {
    this.#list('executions', reqId);
  }

  subscribePositions(): void {
    this.#list('positions');
  }

  unsubscribePositions(): void {
    this.#ask((_, connection) => {
      connection.followsPositions = false;
    });
  }

  subscribeAccount(_account: string): void {
    this.#list('account-values');
  }

  unsubscribeAccount(_account: string): void {
    this.#ask(() => undefined);
  }

  subscribe(reqId: number, contract: Contract): void {
    this.#ask(({ market }, connection) => market.subscribe(connection, this.#listener, reqId, contract));
  }

  unsubscribe(reqId: number): void {
    this.#ask(({ market }, connection) => market.unsubscribe(connection, reqId));
  }

  subscribeTickByTick(): void {
    throw new TypeError('runs take their volume from RTVolume');
  }

  unsubscribeTickByTick(): void {
    throw new TypeError('runs take their volume from RTVolume');
  }

  requestHistory(
    reqId: number,
    _contract: Contract,
    end: string,
    duration: string,
    _size: BarSizeSetting,
  ): void {
    const toMs = Date.parse(
      end.replace(
        /^(\d{4})(\d\d)(\d\d)-(.*)$/,
        (_, year, month, day, time) => `${year}-${month}-${day}T${time}Z`,
      ),
    );
    const [count = '0', unit] = duration.split(' ');
    const fromMs = toMs - Number(count) * (unit === 'D' ? 86_400_000 : 1_000);
    this.#ask(({ market }, connection) => market.history(connection, this.#listener, reqId, fromMs, toMs));
  }

  cancelOrder(orderId: number): boolean {
    if (this.#connection?.isOpen !== true) return false;
    this.#ask(({ gateway }) => gateway.cancel(orderId));
    return true;
  }

  placeOrder(orderId: number, contract: Contract, order: Order): boolean {
    const { part, world } = this.#options;
    return part.do('gateway placeOrder', () => {
      if (this.#connection?.isOpen !== true) return false;
      this.#write((connection) => {
        world.writing(part, orderId, order);
        connection.up(() => world.gateway.place({ orderId, contract, order }));
        if (world.breaksNow()) world.time.after(world.time.between(1, 60), () => connection.break());
      });
      return true;
    });
  }

  #list(list: BrokerList, reqId = 0): void {
    this.#ask(({ gateway }, connection) => {
      if (list === 'executions' && gateway.unanswered.get(list) === 'not')
        connection.down(() => this.#listener.requestError(reqId, 321, 'Error validating request'));
      else gateway.list(connection, list, reqId);
    });
  }

  #ask(act: (world: LinkWorld, connection: Connection) => void): void {
    const { world, part } = this.#options;
    this.#write((connection) => {
      world.asking(part);
      connection.up(() => act(world, connection));
    });
  }

  /** The fence in front of the socket: what it refuses is not written, and the link is closed. */
  #write(act: (connection: Connection) => void): void {
    const connection = this.#connection;
    if (connection?.isOpen !== true || !this.#options.part.isAlive) return;
    if (this.#options.mayWrite()) {
      act(connection);
      return;
    }
    this.close();
    this.#refused();
  }

  #refused(): void {
    const { attempts } = this;
    queueMicrotask(() => {
      if (this.attempts === attempts) this.#listener.disconnected(null, 'this streamer holds no lease');
    });
  }
}

/** Its part's code, and only while it lives; what it throws is told, as the link to a socket does it. */
function guarded({ part, listener }: LinkOptions): LinkListener {
  return new Proxy(listener, {
    get:
      (target, name: keyof LinkListener) =>
      (...args: unknown[]) => {
        if (!part.isAlive) return;
        part.run(() => {
          try {
            (target[name] as (...given: unknown[]) => void)(...args);
          } catch (error) {
            if (!(error instanceof Killed)) listener.fault(name, error);
          }
        });
      },
  });
}

import type { BrokerFact, BrokerList, ListOutcome } from '../lib/domain/orders/broker-facts.ts';
import type { GatewayLink, ListEnd } from './broker-link-types.ts';

/**
 * The broker's lists: one question at a time for each, its rows until the end marker or the deadline. Only `ok` is the
 * whole list; a question that failed says nothing of what the broker has.
 *
 * Positions and account values are subscriptions, which give the whole list once, then changes. To have the whole
 * again, the subscription is ended and made anew: what happens between the two is told by the new list alone. So whoever
 * follows the changes watches the lists of all who ask.
 */
export interface BrokerLists {
  /**
   * Asks for a list. Where one is being answered already, the question waits for its turn, so that what it gets was
   * not told before it was put. Never throws: a link that is not there is `failed`.
   */
  collect(list: BrokerList): Promise<ListResult>;
}

export interface ListResult {
  readonly list: BrokerList;
  readonly outcome: ListOutcome;
  /** In the order in which they came; of facts with the same key the last is the present one. */
  readonly facts: readonly BrokerFact[];
}

/** Told of each question, whoever put it. */
export interface ListWatcher {
  /** The question goes out. `renews`: it ends the subscription that there is. */
  begun(list: BrokerList, renews: boolean): void;
  /** Before those who asked. */
  over(list: BrokerList, whole: boolean): void;
}

/** Figures of one list, for `stats()`. */
export interface ListFigures {
  readonly asked: number;
  readonly ok: number;
  readonly partial: number;
  readonly failed: number;
}

export interface BrokerListsConfig {
  readonly account: string;
  /** For one list, from the question to its end marker. */
  readonly timeoutMs: number;
  readonly nextReqId: () => number;
}

type Told = (result: ListResult) => void;

interface Question {
  readonly told: readonly Told[];
  readonly reqId: number;
  readonly facts: BrokerFact[];
  readonly timer: NodeJS.Timeout;
  spoiled: boolean;
  /** An end marker came in its time that belongs to an earlier question. */
  passedOver: boolean;
}

interface Desk {
  question: Question | undefined;
  waiting: Told[];
  /** End markers that questions of this link are still owed although their time is up; they name no question. */
  owed: number;
  subscribed: boolean;
  asked: number;
  readonly outcomes: Record<ListOutcome, number>;
}

export const brokerLists: readonly BrokerList[] = [
  'open-orders',
  'completed-orders',
  'executions',
  'positions',
  'account-values',
];

const listOf: Readonly<Partial<Record<BrokerFact['kind'], BrokerList>>> = {
  'open-order': 'open-orders',
  'order-status': 'open-orders',
  'completed-order': 'completed-orders',
  execution: 'executions',
  commission: 'executions',
  position: 'positions',
  'account-value': 'account-values',
};

export class ListDesk implements BrokerLists {
  readonly #link: GatewayLink;
  readonly #config: BrokerListsConfig;
  readonly #desks = new Map<BrokerList, Desk>(brokerLists.map((list) => [list, newDesk()]));
  #watcher: ListWatcher | undefined;
  #linked = false;
  #served = true;

  constructor(link: GatewayLink, config: BrokerListsConfig) {
    this.#link = link;
    this.#config = config;
  }

  collect(list: BrokerList): Promise<ListResult> {
    return new Promise((resolve) => this.ask(list, resolve));
  }

  /** As `collect`; `told` is called in the same turn in which the end marker came, before anything that follows it. */
  ask(list: BrokerList, told: Told): void {
    if (!this.#linked) {
      told({ list, outcome: 'failed', facts: [] });
      return;
    }
    const desk = this.#desk(list);
    desk.waiting.push(told);
    if (desk.question === undefined) this.#put(list, desk);
  }

  watch(watcher: ListWatcher): void {
    this.#watcher = watcher;
  }

  /** The session is ready: requests may be sent. */
  connected(): void {
    this.#drop();
    this.#linked = true;
  }

  /** The link is gone, and with it its subscriptions and what it owed. */
  disconnected(): void {
    this.#served = true;
    this.#drop();
  }

  /**
   * Whether the gateway has IB's servers. Without them (1100, 2110) it answers all the same, with its end markers, from
   * what it last knew: executions of the outage are in no such list.
   */
  onServers(there: boolean): void {
    this.#served = there;
    if (there) return;
    for (const { question } of this.#desks.values()) if (question !== undefined) question.spoiled = true;
  }

  #drop(): void {
    this.#linked = false;
    for (const [list, desk] of this.#desks) {
      desk.owed = 0;
      desk.subscribed = false;
      const waiting = desk.waiting.splice(0);
      this.#end(list, desk, false);
      for (const told of waiting) told({ list, outcome: 'failed', facts: [] });
    }
  }

  onFact(fact: BrokerFact): void {
    const list = listOf[fact.kind];
    if (list !== undefined) this.#desk(list).question?.facts.push(fact);
  }

  onUnreadable(list: BrokerList): void {
    const { question } = this.#desk(list);
    if (question !== undefined) question.spoiled = true;
  }

  onEnd(end: ListEnd): void {
    const desk = this.#desk(end.list);
    const { question } = desk;
    if (end.list === 'account-values' && end.account !== this.#config.account) return;
    if (end.list === 'executions') {
      if (end.reqId !== question?.reqId) return;
    } else if (desk.owed > 0) {
      desk.owed -= 1;
      if (question !== undefined) question.passedOver = true;
      return;
    }
    if (question !== undefined) this.#end(end.list, desk, !question.spoiled);
  }

  /** The gateway refused the request with this id; true when it was one of ours. */
  onRequestError(reqId: number): boolean {
    const desk = this.#desk('executions');
    if (desk.question?.reqId !== reqId) return false;
    this.#end('executions', desk, false);
    return true;
  }

  /** A read-only API tells nothing of orders, and says so without naming the request. */
  onReadOnly(): void {
    for (const list of ['open-orders', 'completed-orders'] as const) this.#end(list, this.#desk(list), false);
  }

  stats(): Readonly<Record<BrokerList, ListFigures>> {
    const figures = [...this.#desks].map(([list, { asked, outcomes }]) => [list, { asked, ...outcomes }]);
    return Object.fromEntries(figures) as Record<BrokerList, ListFigures>;
  }

  #put(list: BrokerList, desk: Desk): void {
    const reqId = this.#config.nextReqId();
    desk.asked += 1;
    desk.question = {
      told: desk.waiting.splice(0),
      reqId,
      facts: [],
      timer: setTimeout(() => this.#giveUp(list, desk), this.#config.timeoutMs),
      spoiled: !this.#served,
      passedOver: false,
    };
    this.#watcher?.begun(list, desk.subscribed);
    this.#send(list, desk, reqId);
  }

  #send(list: BrokerList, desk: Desk, reqId: number): void {
    const link = this.#link;
    const { account } = this.#config;
    switch (list) {
      case 'open-orders':
        link.requestOpenOrders();
        return;
      case 'completed-orders':
        link.requestCompletedOrders();
        return;
      case 'executions':
        link.requestExecutions(reqId);
        return;
      case 'positions':
        if (desk.subscribed) link.unsubscribePositions();
        desk.subscribed = true;
        link.subscribePositions();
        return;
      case 'account-values':
        if (desk.subscribed) link.unsubscribeAccount(account);
        desk.subscribed = true;
        link.subscribeAccount(account);
        return;
    }
  }

  /**
   * The time is up. The end marker may still come, and must not be taken for that of the next question. If another one
   * was passed over in this question's time, one of the two was never sent, and nothing is owed any more.
   */
  #giveUp(list: BrokerList, desk: Desk): void {
    desk.owed = desk.question?.passedOver === true ? 0 : desk.owed + 1;
    this.#end(list, desk, false);
  }

  #end(list: BrokerList, desk: Desk, whole: boolean): void {
    const { question } = desk;
    if (question === undefined) return;
    clearTimeout(question.timer);
    desk.question = undefined;
    const { facts, told } = question;
    const outcome = whole ? 'ok' : facts.length > 0 ? 'partial' : 'failed';
    desk.outcomes[outcome] += 1;
    this.#watcher?.over(list, whole);
    for (const tell of told) tell({ list, outcome, facts });
    if (this.#linked && desk.question === undefined && desk.waiting.length > 0) this.#put(list, desk);
  }

  #desk(list: BrokerList): Desk {
    return this.#desks.get(list)!;
  }
}

function newDesk(): Desk {
  const outcomes = { ok: 0, partial: 0, failed: 0 };
  return { question: undefined, waiting: [], owed: 0, subscribed: false, asked: 0, outcomes };
}

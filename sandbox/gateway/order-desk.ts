/**
 * Between the broker and the clients: who is told what, in which order of messages, and what faults make of it. An
 * order's messages go to the client that placed it and to the master client; client 0 has the orders typed into TWS.
 */
import type { TapeRow } from '../tapes/tape.ts';
import type { AccountDesk } from './account-desk.ts';
import { Broker } from './broker/broker.ts';
import { correctExecution } from './broker/fills.ts';
import { decimal } from './broker/money.ts';
import { type BrokerRecord, recordOf } from './broker/record.ts';
import type { BrokerEvent, BrokerOptions, BrokerOrder, Execution } from './broker/types.ts';
import type { CorrectedExecution, SignalFault } from './order-faults.ts';
import { PreparedFaults } from './order-faults.ts';
import { commissionReport, executionDetails, openOrder, orderStatus } from './order-messages.ts';
import type { Session } from './session.ts';

export interface OrderDeskInput extends BrokerOptions {
  readonly masterClientId: number;
  /** Zone of execution times, completion times and the midnight that executions are kept since. */
  readonly timeZone: string;
  readonly accounts: readonly string[];
  readonly readySessions: () => readonly Session[];
  /** The gateway has lost IB: what happens there is told when it is back. */
  readonly cutOff: () => boolean;
  readonly accountDesk: () => AccountDesk;
  readonly log: (text: string) => void;
}

type Fill = Extract<BrokerEvent, { kind: 'fill' }>;

export class OrderDesk {
  readonly broker: Broker;
  readonly timeZone: string;
  readonly prepared = new PreparedFaults();
  /** nextValidId is told too low by this. */
  rollback = 0;
  /** Order requests that break pacing next. */
  pacing = 0;
  readonly #input: OrderDeskInput;
  readonly #untold: BrokerEvent[] = [];
  readonly #noCommission = new Set<string>();
  #signals: { readonly fault: SignalFault; left: number }[] = [];

  constructor(input: OrderDeskInput) {
    this.#input = input;
    this.timeZone = input.timeZone;
    this.broker = new Broker(input, (event) => this.#onEvent(event));
  }

  record(): BrokerRecord {
    return recordOf(this.broker);
  }

  onRow(row: TapeRow, tapeMs: number): void {
    this.broker.onRow(row, tapeMs);
  }

  nextOrderId(clientId: number): number {
    return Math.max(1, this.broker.orders.highest(clientId) + 1 - this.rollback);
  }

  /** What a real gateway tells a client by itself when it connects: its own working orders. */
  onConnected(session: Session): void {
    for (const order of this.broker.orders.open()) {
      if (order.clientId === session.clientId && order.orderId !== 0) this.tellOpen(session, order);
    }
  }

  tellOpen(session: Session, order: Readonly<BrokerOrder>): void {
    this.send(session, openOrder(session.serverVersion, order));
    this.send(session, orderStatus(order));
  }

  /** Whether a commission was never told, by a fault. */
  commissionKnown(execution: Execution): boolean {
    return !this.#noCommission.has(execution.execId);
  }

  /** Tells what happened while the gateway was cut off. */
  catchUp(): void {
    for (const event of this.#untold.splice(0)) this.#tell(event);
  }

  /** Corrects an execution at the broker; everybody is told. Undefined when there is none of that id. */
  correct(
    execId: string | undefined,
    to: { readonly price?: string | undefined; readonly quantity?: string | undefined },
  ): Execution | undefined {
    const former = this.broker.ledger.find(execId);
    const order = former && this.broker.orders.byPermId(former.order.permId);
    if (former === undefined || order === undefined) return undefined;
    const { ledger, portfolio } = this.broker;
    const figures = {
      price: to.price === undefined ? former.price : decimal(to.price),
      quantity: to.quantity === undefined ? former.quantity : decimal(to.quantity),
    };
    const execution = correctExecution(order, former, figures, ledger, portfolio);
    this.broker.corrected(order, execution);
    return execution;
  }

  armSignal(fault: SignalFault): void {
    this.#signals.push({ fault, left: fault.afterOrderMessages });
  }

  clear(): void {
    this.prepared.clear();
    this.broker.prepared.rejections.length = 0;
    this.broker.prepared.overfills.length = 0;
    this.broker.marginFactor = decimal(1);
    this.rollback = 0;
    this.pacing = 0;
    this.#signals = [];
    this.catchUp();
  }

  /** Sends a message of the order side: these are what a `signal` counts. */
  send(session: Session, body: string): void {
    if (session.closed || session.halfOpen) return;
    session.send(body);
    if (this.#signals.length === 0) return;
    for (const signal of this.#signals) {
      if (signal.fault.clientId !== undefined && signal.fault.clientId !== session.clientId) continue;
      signal.left -= 1;
      if (signal.left === 0) this.#fire(session, signal.fault);
    }
    this.#signals = this.#signals.filter(({ left }) => left > 0);
  }

  #fire(session: Session, { pid, signal, afterOrderMessages }: SignalFault): void {
    session.flush();
    const what = `${signal} to ${pid} after ${afterOrderMessages} messages of the order side`;
    try {
      process.kill(pid, signal);
      this.#input.log(what);
    } catch (problem) {
      this.#input.log(`${what} failed: ${(problem as Error).message}`);
    }
  }

  #onEvent(event: BrokerEvent): void {
    if (this.#input.cutOff()) this.#untold.push(event);
    else this.#tell(event);
  }

  #tell(event: BrokerEvent): void {
    if (event.kind === 'position') this.#input.accountDesk().onChange(event.account, event.instrument);
    else if (event.kind === 'order') this.#tellAccepted(event);
    else if (event.kind === 'status') this.#each(event.order, () => orderStatus(event.order));
    else if (event.kind === 'error') this.#tellError(event);
    else if (event.kind === 'fill') this.#tellFill(event);
    else {
      this.#tellExecution(event.execution);
      this.#tellOrder(event.order);
      this.#tellCommission(event.execution);
    }
  }

  #tellAccepted({ order, first }: Extract<BrokerEvent, { kind: 'order' }>): void {
    if (first === true && this.prepared.take('late-perm-id') !== undefined) {
      this.#tellOrder(order, { permId: 0, status: 'PendingSubmit' });
    }
    this.#tellOrder(order);
  }

  /** Errors belong to the client that placed the order; orders typed into TWS have none. */
  #tellError({ order, code, text }: Extract<BrokerEvent, { kind: 'error' }>): void {
    if (order.manual) return;
    for (const session of this.#input.readySessions()) {
      if (session.clientId === order.clientId) session.sendError(order.orderId, code, text);
    }
  }

  /** As recorded of a filled order: execution, openOrder, orderStatus, openOrder with commission, commissionReport. */
  #tellFill({ order, execution }: Fill): void {
    const { prepared } = this;
    const corrected = prepared.take('corrected-execution');
    const commission = prepared.take('commission')?.how;
    const missing = prepared.take('missing-execution') !== undefined;
    const late = prepared.take('late-execution');
    const noisy = prepared.take('noisy-execution');
    const copies = prepared.take('duplicate-execution') === undefined ? 1 : 2;
    if (commission === 'never') this.#noCommission.add(execution.execId);
    if (corrected?.first === true) this.#makeCorrection(execution, corrected);
    const tellExecution = () => {
      if (missing) return;
      for (let copy = 0; copy < copies; copy += 1) this.#tellExecution(execution);
      if (noisy !== undefined) this.#tellExecution(execution, execution.price.plus(noisy.priceShift));
    };
    const tellCommission = () => {
      if (missing || commission === 'never') return;
      this.#tellCommission(execution, commission === 'before' ? undefined : commission);
    };
    const tellRest = () => {
      tellExecution();
      if (commission !== 'before') tellCommission();
    };
    if (commission === 'before') tellCommission();
    if (late === undefined) tellExecution();
    if (prepared.take('missing-status') === undefined) {
      this.#tellOrder(order);
      const told = !missing && (commission === undefined || commission === 'before');
      if (order.status === 'Filled' && told)
        this.#each(order, (session) => openOrder(session.serverVersion, order, { commission: true }));
    }
    if (late === undefined && commission !== 'before') tellCommission();
    if (late !== undefined) {
      if (late.afterMs === 0) tellRest();
      else this.broker.timers.add(this.broker.tapeMs + late.afterMs, tellRest);
    }
    if (corrected !== undefined && !corrected.first) {
      const { timers, tapeMs } = this.broker;
      if (corrected.afterMs === 0) this.#makeCorrection(execution, corrected);
      else timers.add(tapeMs + corrected.afterMs, () => this.#makeCorrection(execution, corrected));
    }
  }

  #makeCorrection(execution: Execution, { priceShift, quantity }: CorrectedExecution): void {
    this.correct(execution.execId, { price: execution.price.plus(priceShift).toFixed(), quantity });
  }

  #tellOrder(order: Readonly<BrokerOrder>, how?: { readonly permId: number; readonly status: string }): void {
    this.#each(order, (session) => openOrder(session.serverVersion, order, how));
    this.#each(order, () => orderStatus(order, how));
  }

  #tellExecution(execution: Execution, price = execution.price): void {
    this.#each(execution.order, ({ serverVersion }) =>
      executionDetails(serverVersion, -1, execution, this.timeZone, price),
    );
  }

  #tellCommission(execution: Execution, sentinel?: 'sentinel' | 'minus-one'): void {
    this.#each(execution.order, () => commissionReport(execution, sentinel));
  }

  #each(order: Readonly<BrokerOrder>, body: (session: Session) => string): void {
    const { masterClientId, readySessions } = this.#input;
    for (const session of readySessions()) {
      if (session.clientId === order.clientId || session.clientId === masterClientId)
        this.send(session, body(session));
    }
  }
}

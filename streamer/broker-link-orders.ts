import { type Contract, EventName, type Execution, type Order, type OrderState } from '@stoqey/ib';
import type { BrokerFact, BrokerList } from '../lib/domain/orders/broker-facts.ts';
import {
  accountValueFact,
  commissionFact,
  completedOrderFact,
  executionFact,
  openOrderFact,
  orderStatusFact,
  positionFact,
  whatIfState,
} from './broker-facts.ts';
import type { LinkListener, LinkTarget, Subscribe } from './broker-link-types.ts';
import { checkedFact } from './fact-check.ts';

/** The order side of the link: each message as a fact, each end marker as the end of its list. */
export function listenToOrders(on: Subscribe, listener: LinkListener, { timeZone }: LinkTarget): void {
  /** A row that cannot be read is told as a fault; its list is then not whole. */
  const row = <A extends readonly unknown[]>(
    event: EventName,
    list: BrokerList,
    read: (...args: A) => BrokerFact | undefined,
  ): void =>
    on(event, (...args: A) => {
      let fact: BrokerFact | undefined;
      try {
        const told = read(...args);
        if (told !== undefined) fact = checkedFact(told);
      } catch (error) {
        listener.unreadable(list);
        throw error;
      }
      if (fact !== undefined) listener.fact(fact);
    });

  row(EventName.openOrder, 'open-orders', openOrderFact);
  on(EventName.openOrder, (orderId: number, _contract: Contract, order: Order, state: OrderState) => {
    if (order.whatIf === true) listener.whatIf(whatIfState(orderId, order, state));
  });
  row(EventName.orderStatus, 'open-orders', orderStatusFact);
  row(EventName.execDetails, 'executions', (_reqId: number, contract: Contract, execution: Execution) =>
    executionFact(contract, execution, timeZone),
  );
  row(EventName.commissionReport, 'executions', commissionFact);
  row(EventName.completedOrder, 'completed-orders', (contract: Contract, order: Order, state: OrderState) =>
    completedOrderFact(contract, order, state, timeZone),
  );
  row(EventName.position, 'positions', positionFact);
  row(EventName.updateAccountValue, 'account-values', accountValueFact);

  on(EventName.openOrderEnd, () => listener.listEnd({ list: 'open-orders' }));
  on(EventName.execDetailsEnd, (reqId: number) => listener.listEnd({ list: 'executions', reqId }));
  on(EventName.completedOrdersEnd, () => listener.listEnd({ list: 'completed-orders' }));
  on(EventName.positionEnd, () => listener.listEnd({ list: 'positions' }));
  on(EventName.accountDownloadEnd, (account: string) =>
    listener.listEnd({ list: 'account-values', account }),
  );
}

/**
 * The answer to placeOrder with whatIf: one openOrder whose order state says what the order would do to the account. No
 * order comes of it, and no orderStatus. Its id counts as used, which is the strictest reading of IB's.
 */
import { equityOf } from './account-desk.ts';
import { type MarginImpact, marginImpact } from './broker/margin.ts';
import { cents } from './broker/money.ts';
import { newOrder } from './broker/order-terms.ts';
import { checkTerms, rejected } from './broker/terms-check.ts';
import type { PlaceRequest, Refusal } from './broker/types.ts';
import type { OrderDesk } from './order-desk.ts';
import type { OrderFault } from './order-faults.ts';
import type { OrderFields } from './order-layout.ts';
import { whatIfAnswer } from './order-messages.ts';
import type { Session } from './session.ts';

/** IB answers with permIds too; those of orders begin with another digit. */
const permIdsFrom = 2_000_000_000;
const notAccepted =
  'YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE MUST EXCEED THE INITIAL MARGIN';

/** Answers, or returns why the question is refused. */
export function answerWhatIf(
  desk: OrderDesk,
  session: Session,
  request: PlaceRequest,
  fault: Extract<OrderFault, { type: 'what-if' }>['how'] | undefined,
): Refusal | undefined {
  const { broker } = desk;
  const { clientId, orderId, instrument, terms } = request;
  if (orderId <= broker.orders.highest(clientId)) return { code: 103, text: 'Duplicate order id' };
  broker.orders.raise(clientId, orderId);
  const parent = request.parentId === 0 ? undefined : broker.orders.find(clientId, request.parentId);
  if (request.parentId !== 0 && parent === undefined)
    return { code: 135, text: `Can't find order with id =${request.parentId}` };
  const wrong = checkTerms(terms, instrument);
  if (wrong !== undefined) return wrong;
  if (fault === 'rejected') return rejected(notAccepted);
  // An order that is not transmitted stays in the gateway, and so does the question.
  if (fault === 'never' || !request.transmit) return undefined;
  const order = { ...newOrder(request, parent), permId: permIdsFrom + orderId };
  const tell = (figures: OrderFields) =>
    desk.send(session, whatIfAnswer(session.serverVersion, order, figures));
  const impact = marginImpact(broker, order, equityOf(broker, order.account));
  if (impact === undefined || fault === 'unset' || fault === 'unset-first') tell({});
  if (impact === undefined || fault === 'unset') return undefined;
  const figures = figuresOf(impact);
  tell(fault === 'nan' ? { ...figures, initMarginAfter: 'NaN' } : figures);
  return undefined;
}

function figuresOf({ before, after, commission }: MarginImpact): OrderFields {
  return {
    initMarginBefore: cents(before.initial),
    maintMarginBefore: cents(before.maintenance),
    equityWithLoanBefore: cents(before.equity),
    initMarginChange: cents(after.initial.minus(before.initial)),
    maintMarginChange: cents(after.maintenance.minus(before.maintenance)),
    equityWithLoanChange: cents(after.equity.minus(before.equity)),
    initMarginAfter: cents(after.initial),
    maintMarginAfter: cents(after.maintenance),
    equityWithLoanAfter: cents(after.equity),
    commission: cents(commission),
  };
}

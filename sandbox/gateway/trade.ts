/** Orders typed into TWS by hand: what the control port takes, and what becomes of it. */
import * as z from 'zod';
import { decimal } from './broker/money.ts';
import { type BrokerOrder, type OrderType, orderTypes, type Refusal, timesInForce } from './broker/types.ts';
import type { GatewayCore } from './core.ts';
import { withGoodTill } from './place-order.ts';

const text = z.string().regex(/^-?\d{1,18}(\.\d{1,18})?$/, 'a decimal number as text, for example "1300.5"');

const tradeSchema = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('place'),
    /** Local symbol of the tape. */
    symbol: z.string(),
    side: z.enum(['BUY', 'SELL']),
    quantity: text,
    orderType: z.enum(orderTypes).default('MKT'),
    limitPrice: text.optional(),
    /** Stop price or trailing amount. */
    stopPrice: text.optional(),
    timeInForce: z.enum(timesInForce).default('DAY'),
    goodTillDate: z.string().default(''),
    ocaGroup: z.string().default(''),
    ocaType: z.int().min(0).max(3).default(0),
    orderRef: z.string().default(''),
    account: z.string().optional(),
  }),
  z.strictObject({
    action: z.literal('modify'),
    permId: z.int(),
    quantity: text.optional(),
    limitPrice: text.optional(),
    stopPrice: text.optional(),
  }),
  z.strictObject({ action: z.literal('cancel'), permId: z.int() }),
]);

/** The prices that a type has use for; any other price is a slip of whoever typed it. */
const takes: Readonly<Record<OrderType, readonly ('limitPrice' | 'stopPrice')[]>> = {
  MKT: [],
  LMT: ['limitPrice'],
  STP: ['stopPrice'],
  'STP LMT': ['limitPrice', 'stopPrice'],
  TRAIL: ['stopPrice'],
  'TRAIL LIMIT': ['limitPrice', 'stopPrice'],
};

export type TradeInput = z.input<typeof tradeSchema>;
type Trade = z.infer<typeof tradeSchema>;

/** A trade by hand that cannot be done: what is wrong with it. */
export class TradeError extends Error {
  override readonly name = 'TradeError';
  readonly code = 'GATEWAY_TRADE';
}

/** Places, changes or cancels an order by hand. Throws `TradeError`. */
export function trade(core: GatewayCore, input: unknown): { permId: number } {
  const parsed = tradeSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`,
    );
    throw new TradeError(`trade: ${problems.join('; ')}. Actions are place, modify and cancel.`);
  }
  core.clock.advance();
  if (parsed.data.action === 'place') return place(core, parsed.data);
  const { broker } = core.orders;
  const order = broker.orders.byPermId(parsed.data.permId);
  if (order === undefined) throw new TradeError(`trade: there is no order of permId ${parsed.data.permId}.`);
  if (parsed.data.action === 'cancel') {
    const refusal = broker.cancel(order);
    if (refusal !== undefined) refuse(refusal);
  } else {
    const { terms } = order;
    const changed = broker.change(order, {
      ...terms,
      quantity: plain(parsed.data.quantity) ?? terms.quantity,
      limitPrice: plain(parsed.data.limitPrice) ?? terms.limitPrice,
      auxPrice: plain(parsed.data.stopPrice) ?? terms.auxPrice,
    });
    if ('code' in changed) refuse(changed);
  }
  return { permId: order.permId };
}

function place(core: GatewayCore, asked: Extract<Trade, { action: 'place' }>): { permId: number } {
  const { symbol } = asked;
  checkPricesFit(asked);
  const state = core.market.states.find(({ contract }) => contract.localSymbol === symbol);
  const account = asked.account ?? core.accounts[0]!;
  if (state === undefined) {
    const known = core.market.states.map(({ contract }) => contract.localSymbol).join(', ');
    throw new TradeError(`trade: symbol ${JSON.stringify(symbol)} is not on the tape; it has ${known}.`);
  }
  if (!core.accounts.includes(account)) {
    throw new TradeError(
      `trade: account ${JSON.stringify(account)} is not one of ${core.accounts.join(', ')}.`,
    );
  }
  const placed = core.orders.broker.place({
    account,
    clientId: 0,
    orderId: 0,
    instrument: state,
    exchange: '',
    parentId: 0,
    transmit: true,
    terms: withGoodTill(
      {
        action: asked.side,
        quantity: plain(asked.quantity)!,
        orderType: asked.orderType,
        limitPrice: plain(asked.limitPrice) ?? '',
        auxPrice: plain(asked.stopPrice) ?? '',
        trailStopPrice: '',
        trailingPercent: '',
        limitOffset: '',
        timeInForce: asked.timeInForce,
        goodTillDate: asked.goodTillDate,
        goodTillMs: undefined,
        outsideRth: false,
        ocaGroup: asked.ocaGroup,
        ocaType: asked.ocaType,
        orderRef: asked.orderRef,
      },
      core.orders.timeZone,
    ),
  });
  if ('code' in placed) refuse(placed);
  return { permId: (placed as BrokerOrder).permId };
}

/** A price that the type does not use would be dropped in silence: a limit order without `orderType` would fill at once. */
function checkPricesFit({ orderType, ...asked }: Extract<Trade, { action: 'place' }>): void {
  const given = (['limitPrice', 'stopPrice'] as const).filter((name) => asked[name] !== undefined);
  const idle = given.filter((name) => !takes[orderType].includes(name));
  if (idle.length === 0) return;
  const fitting = orderTypes.filter((type) => takes[type].join() === given.join());
  throw new TradeError(
    `trade: ${idle.join(' and ')}: an order of type ${orderType} has no use for it. Write ${fitting
      .map((type) => `"orderType":"${type}"`)
      .join(' or ')}, or leave it out.`,
  );
}

const plain = (value: string | undefined) => (value === undefined ? undefined : decimal(value).toFixed());

function refuse({ code, text: why }: Refusal): never {
  throw new TradeError(`trade: refused with ${code}: ${why}`);
}

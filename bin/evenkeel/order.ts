import { type Command, InvalidArgumentError } from 'commander';
import type { OrdersClient, SentCommand } from '../../lib/aws/orders-client.ts';
import { legNames, type WishedLeg } from '../../lib/domain/orders/order-wish.ts';
import { chosenOption } from './choices.ts';
import type { Cli, Shown, Streaming } from './cli.ts';
import { type CancelFlags, cancelAll, cancelOrders } from './order-cancel.ts';
import { confirmWords } from './order-confirm.ts';
import { type ModifyFlags, modifyOrder } from './order-modify.ts';
import { type OrderPicture, readOrderPicture } from './order-picture.ts';
import { isFlatAlready, legWords, type Review, reviewOrder, showReview } from './order-review.ts';
import { sendIntent } from './order-send.ts';
import { type SettleFlags, settleOrder } from './order-settle.ts';
import {
  decimalOf,
  keyOf,
  legsOf,
  type OrderFlags,
  orderTypeOf,
  quantityOf,
  sideOf,
  timeInForceOf,
} from './order-wish-options.ts';
import type { Session } from './session.ts';
import { validName } from './valid-names.ts';
import { plain } from './view.ts';

const waitSecondsByDefault = 15;

interface SendFlags {
  readonly key?: string;
  readonly yes?: true;
  readonly wait: number;
}

async function order(
  session: Session,
  command: 'place' | 'place-bracket',
  flags: OrderFlags & SendFlags,
): Promise<Shown | Streaming> {
  const legs = legsOf(flags);
  const picture = await readOrderPicture(session, flags.symbol);
  const review = reviewOrder(command, legs, picture, session.config.risk);
  const { conId } = picture.instrument;
  return confirmed(session, review, flags, (client, key) =>
    command === 'place'
      ? client.place({ conId, ...withoutLeg(legs[0]) }, { key })
      : client.placeBracket(bracketOf(conId, legs, flags), { key }),
  );
}

function withoutLeg({ leg: _leg, ...rest }: WishedLeg) {
  return rest;
}

function bracketOf(conId: number, [entry]: Review['legs'], flags: OrderFlags) {
  const { takeProfit, stopLoss, outsideRth = false } = flags;
  return {
    conId,
    entry: withoutLeg(entry),
    ...(takeProfit === undefined ? {} : { takeProfit: { limitPrice: takeProfit, outsideRth } }),
    ...(stopLoss === undefined ? {} : { stopLoss: { stopPrice: stopLoss, outsideRth } }),
  };
}

async function flatten(session: Session, symbol: string, flags: SendFlags): Promise<Shown | Streaming> {
  const picture = await readOrderPicture(session, symbol);
  const review = reviewOrder('flatten', [closing(picture)], picture, session.config.risk);
  const { conId } = picture.instrument;
  return confirmed(session, review, flags, (client, key) => client.flatten({ conId }, { key }));
}

/** What the position by the book would need; the streamer goes by what IB says at that moment. */
function closing({ position }: OrderPicture): WishedLeg {
  return {
    leg: 'entry',
    action: position.startsWith('-') ? 'BUY' : 'SELL',
    quantity: position.replace('-', ''),
    orderType: 'MKT',
    limitPrice: null,
    stopPrice: null,
    timeInForce: 'DAY',
    outsideRth: false,
  };
}

/** Shows what will happen, has it confirmed, sends it and waits for what becomes of it. */
async function confirmed(
  session: Session,
  review: Review,
  { key, yes, wait }: SendFlags,
  send: (client: OrdersClient, key: string) => Promise<SentCommand>,
): Promise<Shown | Streaming> {
  const { account, config, view, json, io, stage } = session;
  const { command, legs, picture } = review;
  const { localSymbol } = picture.instrument;
  const isFlatten = command === 'flatten';
  const what = isFlatten ? `flatten ${localSymbol}` : legWords(legs[0], localSymbol);
  if (!json) {
    io.err.write(`${showReview(review, account, config.risk, view)}\n\n`);
    if (isFlatten) io.err.write(`${beforeFlatten(review)}\n`);
  }
  if (!yes) {
    const words = isFlatten ? what : `${legs[0].action} ${legs[0].quantity} ${localSymbol}`;
    await confirmWords(session, `This orders in ${account}, stage ${stage}.`, words);
  }
  return sendIntent(session, review, { key, seconds: wait, what, send });
}

function beforeFlatten(review: Review): string {
  const { instrument, open } = review.picture;
  const symbol = plain(instrument.localSymbol);
  if (isFlatAlready(review))
    return `By the book there is nothing to flatten in ${symbol}; IB's word decides. Where IB has nothing either, no order is recorded and no answer comes.`;
  const first = open.length === 0 ? '' : `Our working orders of ${symbol} are cancelled first. `;
  return `${first}The quantity is what IB says the account holds at that moment.`;
}

export function addOrder({ program, run }: Cli): void {
  const group = program
    .command('order')
    .description('place, change and cancel orders, by the streamer; each is shown and confirmed first');
  const sends = (command: Command) =>
    command
      .option('--yes', 'do not ask')
      .option('--wait <seconds>', 'how long to wait for the answer', seconds, waitSecondsByDefault);
  const keyed = (command: Command) =>
    sends(
      command.option(
        '--key <key>',
        'names the order: the same key is the same order for ever (default: the same order within ten seconds is one)',
        keyOf,
      ),
    );
  const wished = (command: Command) =>
    keyed(
      command
        .requiredOption('--symbol <symbol>', 'local symbol (GCG6), configured name, root (GC) or conId')
        .addOption(
          chosenOption('--side <side>', 'of the order', ['buy', 'sell'], sideOf).makeOptionMandatory(),
        )
        .requiredOption('--quantity <n>', 'contracts or shares', quantityOf)
        .addOption(
          chosenOption(
            '--type <type>',
            'of the order',
            ['mkt', 'lmt', 'stp', 'stp-lmt'],
            orderTypeOf,
          ).makeOptionMandatory(),
        )
        .option('--limit <price>', 'limit price of lmt and stp-lmt', decimalOf)
        .option('--stop <price>', 'stop price of stp and stp-lmt', decimalOf)
        .addOption(
          chosenOption('--tif <tif>', 'how long it holds', ['day', 'gtc', 'ioc'], timeInForceOf).default(
            'DAY',
            'day',
          ),
        )
        .option('--outside-rth', 'outside regular trading hours too'),
    );
  wished(group.command('place'))
    .description('one order')
    .action(run<OrderFlags & SendFlags>((session, flags) => order(session, 'place', flags)));
  wished(group.command('bracket'))
    .description('an entry with the orders that end it, good till cancelled: one fills, the other goes')
    .requiredOption('--take-profit <price>', 'limit price at which the profit is taken', decimalOf)
    .requiredOption('--stop-loss <price>', 'stop price at which the loss is cut', decimalOf)
    .action(run<OrderFlags & SendFlags>((session, flags) => order(session, 'place-bracket', flags)));
  sends(
    group
      .command('modify')
      .description('change quantity or prices of a working order of ours')
      .argument('<key>', 'key under which it was ordered', keyOf)
      .addOption(
        chosenOption('--leg <leg>', 'of a bracket', legNames, (leg) =>
          validName('leg', leg, legNames),
        ).default('entry'),
      )
      .option('--quantity <n>', 'contracts or shares', quantityOf)
      .option('--limit <price>', 'limit price', decimalOf)
      .option('--stop <price>', 'stop price', decimalOf),
  ).action(
    run<{ args: readonly [string] } & ModifyFlags>((session, { args: [key], ...flags }) =>
      modifyOrder(session, key, flags),
    ),
  );
  sends(
    group
      .command('cancel')
      .description(
        'cancel an order of ours, or every leg of a bracket that still works; allowed in SAFE_MODE',
      )
      .argument('<order>', "key under which it was ordered, IB's permId, or its key in orders"),
  ).action(
    run<{ args: readonly [string] } & CancelFlags>((session, { args: [given], ...flags }) =>
      cancelOrders(session, given, flags),
    ),
  );
  sends(
    group
      .command('cancel-all')
      .description('cancel our working orders, one by one; orders of others stay')
      .option('--symbol <symbol>', 'only those of this contract'),
  ).action(run<CancelFlags & { symbol?: string }>(cancelAll));
  sends(
    group
      .command('settle')
      .description('say how an order ended that IB does not know any more; IB is told nothing')
      .argument('<order>', "its key in orders, IB's permId, or the key under which it was ordered")
      .addOption(
        chosenOption('--as <end>', 'how it ended', ['cancelled', 'filled'], (end) =>
          validName('end', end, ['cancelled', 'filled'] as const),
        ).makeOptionMandatory(),
      )
      .requiredOption('--reason <text>', 'how you know, for the audit trail'),
  ).action(
    run<{ args: readonly [string] } & SettleFlags>((session, { args: [given], ...flags }) =>
      settleOrder(session, given, flags),
    ),
  );
  keyed(
    group
      .command('flatten')
      .description('cancel our working orders of a contract, and close its position at the market')
      .argument('<symbol>', 'local symbol (GCG6), configured name, root (GC) or conId'),
  ).action(
    run<{ args: readonly [string] } & SendFlags>((session, { args: [symbol], ...flags }) =>
      flatten(session, symbol, flags),
    ),
  );
}

function seconds(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 3_600) throw new InvalidArgumentError('Allowed: seconds, from 1 to 3600.');
  return number;
}

import { describe, expect, it } from 'vitest';
import type { BrokerFact, ListOutcome } from '../../../lib/domain/orders/broker-facts.ts';
import { alertRaised } from '../../../lib/events/alert-raised.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { commandSchema } from '../../../lib/events/command.ts';
import { type CancelCommand, type CancelHost, cancelOrder } from '../../../streamer/cancel-order.ts';

const nowMs = Date.parse('2026-01-05T14:30:00.000Z');
const signal = new AbortController().signal;

function command(more: Partial<CancelCommand> = {}): CancelCommand {
  return commandSchema.parse({
    id: '7b0a3c1e-2f4d-4e6a-9b8c-0d1e2f3a4b5c',
    type: 'cancel',
    version: 1,
    account: 'DU1',
    issuedAt: '2026-01-05T14:29:55.000Z',
    issuedBy: 'plan 1f2e',
    validUntil: '2026-01-05T14:30:25.000Z',
    permId: 17,
    clientId: 7,
    orderId: 3,
    ...more,
  }) as CancelCommand;
}

const open = (more: object = {}) =>
  ({
    kind: 'open-order',
    account: 'DU1',
    permId: 17,
    clientId: 7,
    orderId: 3,
    ...more,
  }) as unknown as BrokerFact;

function hostOf(facts: readonly BrokerFact[], more: Partial<CancelHost> & { outcome?: ListOutcome } = {}) {
  const { outcome = 'ok', ...rest } = more;
  const cancelled: number[] = [];
  const alerts: EventData<'alert.raised'>[] = [];
  const silent = () => undefined;
  const host: CancelHost = {
    clientId: 7,
    collect: async () => ({ list: 'open-orders', outcome, facts }),
    mayWrite: () => true,
    cancel: (orderId) => cancelled.push(orderId) > 0,
    raise: (alert) => void alerts.push(alertRaised.parse(alert)),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    systemMs: () => nowMs,
    ...rest,
  };
  return { host, cancelled, alerts };
}

describe('the command cancel', () => {
  it('cancels an open order of our own client by its order id', async () => {
    const { host, cancelled, alerts } = hostOf([open({ permId: 16, orderId: 2 }), open()]);
    await cancelOrder(command(), host, signal);
    expect(cancelled).toEqual([3]);
    expect(alerts).toEqual([]);
  });

  it.each([
    ['the command names another client', command({ clientId: 8 }), [open({ clientId: 8 })]],
    ['the broker has it under another client', command(), [open({ clientId: 8 })]],
    ['the order id is another order by now', command(), [open({ orderId: 4 })]],
    ['it is another account of the same login', command(), [open({ account: 'DU2' })]],
  ])('is answered by an alert, and nothing is sent, where %s', async (_what, asked, facts) => {
    const { host, cancelled, alerts } = hostOf(facts);
    await cancelOrder(asked, host, signal);
    expect(cancelled).toEqual([]);
    expect(alerts).toMatchObject([
      { alert: 'cancel_foreign_order', severity: 'MEDIUM', subject: 'order 17' },
    ]);
    expect(alerts[0]?.message).toMatch(/Cancel it in TWS/);
  });

  it('sends nothing for an order that is not open any more', async () => {
    const { host, cancelled, alerts } = hostOf([open({ permId: 16 })]);
    await cancelOrder(command(), host, signal);
    expect(cancelled).toEqual([]);
    expect(alerts).toMatchObject([{ alert: 'cancel_not_open', severity: 'INFO' }]);
  });

  it.each(['partial', 'failed'] as const)(
    'is tried again where the list is %s and does not have it',
    async (outcome) => {
      const { host, cancelled, alerts } = hostOf([], { outcome });
      await expect(cancelOrder(command(), host, signal)).rejects.toThrow(`the open orders are ${outcome}`);
      expect([cancelled, alerts]).toEqual([[], []]);
    },
  );

  it('is left to the next holder where the lease is lost while the broker answers', async () => {
    const { host, cancelled } = hostOf([open()], { mayWrite: () => false });
    await expect(cancelOrder(command(), host, signal)).rejects.toThrow('the lease is lost');
    expect(cancelled).toEqual([]);
  });

  it('is tried again where the link is gone by then: nothing was sent', async () => {
    const { host, alerts } = hostOf([open()], { outcome: 'partial', cancel: () => false });
    await expect(cancelOrder(command(), host, signal)).rejects.toThrow('the link to the gateway is down');
    expect(alerts).toEqual([]);
  });

  it('goes by the last that was told of the order while the list came', async () => {
    const { host, cancelled, alerts } = hostOf([open({ orderId: 9 }), open()]);
    await cancelOrder(command(), host, signal);
    expect([cancelled, alerts]).toEqual([[3], []]);
  });

  it.each(['Filled', 'Cancelled', 'ApiCancelled'])('sends nothing where it became %s', async (status) => {
    const last = { kind: 'order-status', permId: 17, status } as BrokerFact;
    const { host, cancelled, alerts } = hostOf([open({ status: 'Submitted' }), last]);
    await cancelOrder(command(), host, signal);
    expect(cancelled).toEqual([]);
    expect(alerts).toMatchObject([{ alert: 'cancel_not_open' }]);
  });

  it('that comes twice is sent once: the order is being cancelled already', async () => {
    const { host, cancelled, alerts } = hostOf([open({ status: 'PendingCancel' })]);
    await cancelOrder(command(), host, signal);
    expect([cancelled, alerts]).toEqual([[], []]);
  });

  it('sends nothing after its time', async () => {
    const { host, cancelled, alerts } = hostOf([open()], { systemMs: () => nowMs + 25_001 });
    await cancelOrder(command(), host, signal);
    expect(cancelled).toEqual([]);
    expect(alerts).toMatchObject([{ alert: 'command_expired' }]);
  });

  it('has a permId and an order id: an order that was typed into TWS cannot be named', () => {
    const asked = command();
    expect(commandSchema.safeParse({ ...asked, orderId: 0 }).success).toBe(false);
    expect(commandSchema.safeParse({ ...asked, permId: 0 }).success).toBe(false);
  });
});

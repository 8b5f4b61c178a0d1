/** Requests for accounts, positions and profit. */
import { invalid } from './broker/terms-check.ts';
import type { GatewayCore } from './core.ts';
import { managedAccounts } from './encode.ts';
import type { Handler } from './handler.ts';
import type { Session } from './session.ts';

/** The account that a request means, `''` being the first; an unknown one is refused with 321. */
function accountOf(core: GatewayCore, session: Session, id: number, asked: string): string | undefined {
  const account = asked || core.accounts[0]!;
  if (core.accounts.includes(account)) return account;
  session.sendError(id, 321, invalid(`Invalid account code '${account.slice(0, 40)}'.`).text);
  return undefined;
}

export const accountRequests: Readonly<Record<number, Handler>> = {
  /** reqAccountUpdates */
  6: (core, session, fields) => {
    const wanted = fields.skip(1).flag();
    const account = accountOf(core, session, -1, fields.text());
    if (account === undefined) return;
    core.clock.advance();
    if (wanted) core.accountDesk.updates(session, account);
    else core.accountDesk.stop(session, 'updates');
  },
  /** reqManagedAccts */
  17: (core, session) => session.send(managedAccounts(core.accounts.join(','))),
  /** reqPositions */
  61: (core, session) => {
    core.clock.advance();
    core.accountDesk.positions(session);
  },
  /** reqAccountSummary: group All, or one account */
  62: (core, session, fields) => {
    const id = fields.skip(1).integer();
    const group = fields.text();
    const tags = fields.text().split(',');
    core.clock.advance();
    if (group === 'All' || group === '') return core.accountDesk.summary(session, id, core.accounts, tags);
    const account = accountOf(core, session, id, group);
    if (account !== undefined) core.accountDesk.summary(session, id, [account], tags);
  },
  /** cancelAccountSummary */
  63: (core, session, fields) => core.accountDesk.stop(session, 'summary', fields.skip(1).integer()),
  /** cancelPositions */
  64: (core, session) => core.accountDesk.stop(session, 'positions'),
  /** reqPnL */
  92: (core, session, fields) => {
    const id = fields.integer();
    const account = accountOf(core, session, id, fields.text());
    if (account === undefined) return;
    core.clock.advance();
    core.accountDesk.pnl(session, id, account);
  },
  /** cancelPnL */
  93: (core, session, fields) => core.accountDesk.stop(session, 'pnl', fields.integer()),
};

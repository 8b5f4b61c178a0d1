/**
 * One encoder for each message that the gateway sends to a client, by server version: fields in the wire's order,
 * each ended by NUL. Values go out as given: prices and sizes are text, never formatted from floats here.
 */

type Field = string | number;

/** Fields that a server version does not have are left out. */
export function message(...fields: readonly (Field | readonly Field[])[]): string {
  return `${fields.flat().join('\x00')}\x00`;
}

const since = (version: number, serverVersion: number, ...fields: Field[]): Field[] =>
  serverVersion >= version ? fields : [];
const before = (version: number, serverVersion: number, ...fields: Field[]): Field[] =>
  serverVersion < version ? fields : [];

export const versionReply = (serverVersion: number, connectionTime: string) =>
  message(serverVersion, connectionTime);

export const managedAccounts = (accounts: string) => message(15, 1, accounts);
export const nextValidId = (orderId: Field) => message(9, 1, orderId);
export const currentTime = (epochSeconds: Field) => message(49, 1, epochSeconds);

export function error(
  serverVersion: number,
  m: { id: Field; code: Field; text: string; advancedJson?: string },
): string {
  return message(4, 2, m.id, m.code, m.text, since(166, serverVersion, m.advancedJson ?? ''));
}

export interface ContractDetails {
  readonly id: Field;
  readonly symbol: string;
  readonly secType: string;
  readonly lastTradeDate: string;
  readonly strike: string;
  readonly right: string;
  readonly exchange: string;
  readonly currency: string;
  readonly localSymbol: string;
  readonly marketName: string;
  readonly tradingClass: string;
  readonly conId: Field;
  readonly minTick: string;
  readonly multiplier: string;
  readonly orderTypes: string;
  readonly validExchanges: string;
  readonly priceMagnifier: Field;
  readonly underConId: Field;
  readonly longName: string;
  readonly primaryExchange: string;
  readonly contractMonth: string;
  readonly industry: string;
  readonly category: string;
  readonly subcategory: string;
  readonly timeZone: string;
  readonly tradingHours: string;
  readonly liquidHours: string;
  readonly secIds: readonly { tag: string; value: string }[];
  readonly aggGroup: Field;
  readonly underSymbol: string;
  readonly underSecType: string;
  readonly marketRuleIds: string;
  readonly realExpirationDate: string;
  readonly stockType: string;
  readonly minSize: string;
  readonly sizeIncrement: string;
  readonly suggestedSizeIncrement: string;
}

export function contractDetails(serverVersion: number, m: ContractDetails): string {
  const sv = serverVersion;
  return message(
    10,
    before(164, sv, 8),
    [m.id, m.symbol, m.secType, m.lastTradeDate],
    since(182, sv, m.lastTradeDate.slice(0, 8)),
    [
      m.strike,
      m.right,
      m.exchange,
      m.currency,
      m.localSymbol,
      m.marketName,
      m.tradingClass,
      m.conId,
      m.minTick,
    ],
    before(164, sv, 100),
    [
      m.multiplier,
      m.orderTypes,
      m.validExchanges,
      m.priceMagnifier,
      m.underConId,
      m.longName,
      m.primaryExchange,
    ],
    [
      m.contractMonth,
      m.industry,
      m.category,
      m.subcategory,
      m.timeZone,
      m.tradingHours,
      m.liquidHours,
      '',
      '',
    ],
    [m.secIds.length, ...m.secIds.flatMap((id) => [id.tag, id.value])],
    [m.aggGroup, m.underSymbol, m.underSecType, m.marketRuleIds, m.realExpirationDate, m.stockType],
    sv === 163 ? [m.sizeIncrement] : [],
    since(164, sv, m.minSize, m.sizeIncrement, m.suggestedSizeIncrement),
    since(186, sv, 0),
  );
}
export const contractDetailsEnd = (id: Field) => message(52, 1, id);

export const symbolSamples = (
  serverVersion: number,
  m: {
    id: Field;
    samples: readonly {
      conId: Field;
      symbol: string;
      secType: string;
      primaryExchange: string;
      currency: string;
      derivatives: readonly string[];
      description?: string;
      issuerId?: string;
    }[];
  },
) =>
  message(
    79,
    m.id,
    m.samples.length,
    m.samples.flatMap((s) => {
      const known: Field[] = [
        s.conId,
        s.symbol,
        s.secType,
        s.primaryExchange,
        s.currency,
        s.derivatives.length,
      ];
      return known.concat(s.derivatives, since(176, serverVersion, s.description ?? '', s.issuerId ?? ''));
    }),
  );

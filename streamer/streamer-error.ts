import type { Instrument } from '../lib/domain/market/instrument.ts';

export type StreamerErrorCode =
  | 'GATEWAY_REFUSED'
  | 'SYMBOL_UNKNOWN'
  | 'SYMBOL_TWICE'
  | 'SYMBOL_AMBIGUOUS'
  | 'NO_MARKET_DATA'
  | 'DELAYED_DATA_ONLY'
  | 'API_READ_ONLY'
  | 'ACCOUNT_MISMATCH'
  | 'SUBSCRIPTION_REFUSED'
  | 'TOO_MANY_SYMBOLS'
  | 'INTERVAL_UNSUPPORTED'
  | 'ENVIRONMENT_INCOMPLETE'
  | 'HEALTH_PORT_IN_USE'
  | 'SOCKET_NOT_FENCED'
  | 'DECODER_NOT_GUARDED';

/** Why the streamer cannot start: what happened, what it means, and what to do. */
export class StreamerError extends Error {
  readonly code: StreamerErrorCode;

  constructor(code: StreamerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StreamerError';
    this.code = code;
  }
}

/** The message for a market data line that the gateway will not serve as asked; undefined for harmless notices. */
export function subscriptionError(
  symbol: string,
  code: number,
  message: string,
  wantsLive: boolean,
): StreamerError | undefined {
  if (code === 354 || code === 10089 || code === 10168 || code === 10186) {
    return new StreamerError(
      'NO_MARKET_DATA',
      `No market data permission for ${symbol} (error ${code}: ${message}). Subscribe to the exchange's data in Client Portal (Settings, Market Data Subscriptions), share it with the paper account, or set marketDataType: delayed.`,
    );
  }
  if (code === 10167) {
    if (!wantsLive) return undefined;
    return new StreamerError(
      'DELAYED_DATA_ONLY',
      `Only delayed data for ${symbol} (error ${code}: ${message}), but live data is configured. Subscribe to the exchange's data in Client Portal, or set marketDataType: delayed; delayed bars are marked and trading on them is refused.`,
    );
  }
  if (code === 10090 || code === 10197 || code === 399 || (code >= 2100 && code < 2200)) return undefined;
  return new StreamerError(
    'SUBSCRIPTION_REFUSED',
    `The gateway refused market data for ${symbol} (error ${code}: ${message}). Look the code up in IB's list of message codes; 101 means that the login has no free market data line.`,
  );
}

/** The login is another one than the configuration means: what it would tell belongs to another book. */
export function otherLogin(
  account: string,
  managed: readonly string[],
  stage: string,
): StreamerError | undefined {
  // A gateway that names none is not yet through with its login.
  if (managed.length === 0 || managed.includes(account)) return undefined;
  return new StreamerError(
    'ACCOUNT_MISMATCH',
    `The gateway's login manages ${managed.join(', ')}, and the configuration says ${account} (stage ${stage}). Nothing was subscribed and no order can leave. Either log in IB Gateway with the user of ${account} (deployed: evenkeel secrets set), or set streamers[].account in config/${stage}.yml (or IB_ACCOUNT) to an account of this login.`,
  );
}

export function unknownSymbol(name: string): StreamerError {
  return new StreamerError(
    'SYMBOL_UNKNOWN',
    `The gateway knows no contract for the symbol "${name}": tried as the root of a future, as a local symbol and as a US stock. Check the spelling in the configuration (streamers[].symbols, or SYMBOLS), or name it exactly: { localSymbol: GCZ5, exchange: COMEX } or { conId: 495512563 }.`,
  );
}

export function ambiguousSymbol(name: string, kinds: readonly Instrument[]): StreamerError {
  const all = kinds.map(
    ({ localSymbol, conId, multiplier, currency, exchange }) =>
      `${localSymbol} (conId ${conId}, multiplier ${multiplier} ${currency}, ${exchange})`,
  );
  return new StreamerError(
    'SYMBOL_AMBIGUOUS',
    `The symbol "${name}" stands for contracts of different size: ${all.join(', ')}. Which one is meant is not guessed. Say it in the configuration (streamers[].symbols): { root: ${name}, multiplier: ${kinds[0]?.multiplier} }, by exchange or currency, or one month alone: { localSymbol: ${kinds[0]?.localSymbol} }.`,
  );
}

export function symbolTwice(
  first: string,
  second: string,
  { localSymbol, conId }: Instrument,
): StreamerError {
  return new StreamerError(
    'SYMBOL_TWICE',
    `The symbols "${first}" and "${second}" are both ${localSymbol} (conId ${conId}): its bars would be told twice. Remove one of them from the configuration (streamers[].symbols, or SYMBOLS).`,
  );
}

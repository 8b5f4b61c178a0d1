/**
 * One good message of every kind that the streamer listens to, at server version 193, as a gateway writes it: fields
 * with `|` between them. Kept as text of its own, so that no module of the streamer or of the simulated gateway had a
 * hand in it.
 */
const contract = '101|GC|FUT|20260225|0||100|COMEX|USD|GCG6|GC';
const none = '1.7976931348623157E308';
const nones = (count: number): string => Array.from({ length: count }, () => none).join('|');

export const account = 'DU1234567';
export const conId = 101;
/** A Tuesday on which the hours below are open. */
export const brokerSeconds = Date.UTC(2026, 0, 6, 15) / 1_000;
const hours = '20260105:1800-20260106:1700;20260106:1800-20260107:1700';

const samples = {
  tickPrice: '1|6|{id}|1|2700.5|3|0',
  tickSize: '2|6|{id}|8|1200',
  orderStatus: '3|5|Submitted|0|2|0|900001|0|0|1||0',
  error: '4|2|{id}|399|a remark|',
  openOrder: `5|5|${contract}|BUY|2|LMT|2700.5|0.0|DAY||${account}||0|ref-1|1|900001|0|0|0|||||||||||0||-1|0||||||2147483647|0|0|0||3|0|0||0|0||0|None||0||||?|0|0||0|0||||||0|0|0|2147483647|2147483647|||0||IB|0|0||0|0|Submitted|${nones(9)}||||||0|0|0|None|${nones(6)}|0|||||0|0|0|0|2147483647||0|||||||0||0||2147483647`,
  accountValue: `6|2|TotalCashBalance|100000.25|USD|${account}`,
  netLiquidation: `6|2|NetLiquidation|250000.5|USD|${account}`,
  nextValidId: '9|1|7',
  contractDetails: `10|{id}|GC|FUT|20260225|20260225|0||COMEX|USD|GCG6|GC|GC|101|0.1|100|LMT,MKT|COMEX|1|11|Gold||202602||||US/Eastern|${hours}|${hours}|||0|1|GC|IND|239|20260225||1|1|1|0`,
  execution: `11|-1|5|${contract}|0000e0d5.65a1.01.01|20260106 10:00:00 US/Eastern|${account}|COMEX|BOT|1|2700.5|900001|1|0|1|2700.5|ref-1||||2|0`,
  managedAccounts: `15|1|${account}`,
  historicalData:
    '17|{id}|20260106 09:00:00 US/Eastern|20260106 10:00:00 US/Eastern|1|1767711600|2700|2701|2699|2700.5|12|2700.2|7',
  tickGeneric: '45|6|{id}|49|0',
  tickString: `46|6|{id}|48|2700.5;1;${brokerSeconds * 1_000};1200;2700.4;true`,
  currentTime: `49|1|${brokerSeconds}`,
  contractDetailsEnd: '52|1|{id}',
  openOrderEnd: '53|1',
  accountDownloadEnd: `54|1|${account}`,
  executionsEnd: '55|1|{id}',
  marketDataType: '58|1|{id}|1',
  commission: `59|1|0000e0d5.65a1.01.01|2.25|USD|${none}|${none}|0`,
  position: `61|3|${account}|${contract}|2|270050`,
  positionEnd: '62|1',
  tickReqParams: '81|{id}|0.1|9c0001|3',
  tickByTick: `99|{id}|1|${brokerSeconds}|2700.5|1|0|COMEX|`,
  completedOrder: `101|${contract}|BUY|2|LMT|2700.5|0.0|DAY||${account}||0|ref-2|900002|0|0|0||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0|2147483647|2147483647||||IB|0|0||0|Filled|0|0|0||||0|0||2|2147483647|0||0|0|9223372036854775807|20260106 09:31:00 US/Eastern|Filled Size: 2|||||||0`,
  completedOrdersEnd: '102',
} as const;

export type SampleName = keyof typeof samples;
export const sampleNames = Object.keys(samples) as readonly SampleName[];

/** The fields of a good message; `id` takes the place of the request that it answers. */
export function sample(name: SampleName, id: number | string = -1): string[] {
  return samples[name].replaceAll('{id}', String(id)).split('|');
}

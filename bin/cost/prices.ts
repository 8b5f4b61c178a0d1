/**
 * List prices of us-east-1 in US dollars, without tax. They are from memory of AWS's price pages and change: check them
 * there before you rest anything on them.
 */
export const pricesAsOf = '2025-06';

export const hoursPerMonth = 730;

/** What one unit costs; `free` units a month cost nothing in an account that does not use them elsewhere, for ever. */
export interface Price {
  /** US dollars. */
  readonly usd: string;
  readonly per: string;
  /** Units of `per` in one price: 1,000,000 where it is told for a million. */
  readonly units: number;
  readonly free: number;
}

const price = (usd: string, per: string, units = 1, free = 0): Price => ({ usd, per, units, free });
const million = 1_000_000;

export const prices = {
  'fargate-x86-vcpu': price('0.04048', 'vCPU-hour'),
  'fargate-x86-memory': price('0.004445', 'GiB-hour'),
  'fargate-arm-vcpu': price('0.03238', 'vCPU-hour'),
  'fargate-arm-memory': price('0.00356', 'GiB-hour'),
  'public-ipv4': price('0.005', 'address-hour'),
  secret: price('0.40', 'secret'),
  alarm: price('0.10', 'alarm', 1, 10),
  metric: price('0.30', 'custom metric', 1, 10),
  dashboard: price('3.00', 'dashboard', 1, 3),
  'log-ingestion': price('0.50', 'GB', 1, 5),
  'log-storage': price('0.03', 'GB-month', 1, 5),
  'custom-event': price('1.00', 'million events', million),
  'event-archive': price('0.10', 'GB'),
  'event-archive-storage': price('0.023', 'GB-month'),
  schedule: price('1.00', 'million calls', million, 14 * million),
  'lambda-request': price('0.20', 'million calls', million, million),
  'lambda-arm': price('0.0000133334', 'GB-second', 1, 400_000),
  'sqs-fifo': price('0.50', 'million requests', million, million),
  'dynamodb-write': price('0.625', 'million write units', million),
  'dynamodb-read': price('0.125', 'million read units', million),
  'dynamodb-storage': price('0.25', 'GB-month', 1, 25),
  'dynamodb-recovery': price('0.20', 'GB-month'),
  's3-put': price('0.005', 'thousand requests', 1_000),
  's3-storage': price('0.023', 'GB-month'),
  'image-storage': price('0.10', 'GB-month'),
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof prices;

/** What each role is for, and why it has each of its grants. A grant without a reason fails the test of docs/security.md. */
import type { Grant } from './grants.ts';

/** By the role's name; a schedule's is explained by what it calls. */
const purposes: readonly (readonly [role: RegExp, purpose: string])[] = [
  [/^alerts$/, 'Tells people what they must know, until somebody has acknowledged it'],
  [/^apply-plan$/, 'Approves, rejects and carries out plans, after a backup'],
  [/^archive$/, 'Writes candles and changes of positions as Parquet, by day'],
  [/^backup$/, 'Backs up book and audit trail, and marks old backups'],
  [/^book-keeper$/, 'Books what the streamer reports, each change with its audit row'],
  [/^candle-keeper$/, 'Stores candles'],
  [/^drill$/, 'Restores the newest backup into tables of its own, and removes them'],
  [/^reconcile$/, 'Compares the broker with the book, and stages what should change'],
  [/^watchdog$/, 'Looks whether streamers are alive and positions have their stops'],
  [/^streamer-\S+ \(task\)$/, 'Holds the lease, talks to the gateway, tells events, carries out commands'],
  [/^streamer-\S+ \(start\)$/, 'Lets ECS start the task: image, logs, login of the gateway'],
  [/-schedule$/, 'Lets EventBridge Scheduler call one function'],
];

type Rule = readonly [role: RegExp, action: RegExp, resource: RegExp, why: string];

const any = /./;
const readers = /^(apply-plan|backup|drill)$/;

const rules: readonly Rule[] = [
  // Everybody's.
  [/-schedule$/, /^lambda:InvokeFunction$/, any, 'the call'],
  [/-schedule$/, /^sqs:SendMessage$/, /-dlq$/, 'a call that Lambda did not take'],
  [any, /^logs:/, /log-group/, 'its own log group'],
  [any, /^sqs:SendMessage$/, /-(jobs|candle-keeper)-dlq$/, 'Lambda puts a call there that failed for good'],
  [/^streamer/, /^events:PutEvents$/, any, 'what it has to tell: candles, orders, states'],
  [any, /^events:PutEvents$/, any, 'how it went, and alerts'],
  // The start of the task.
  [/\(start\)$/, /^ecr:GetAuthorizationToken$/, any, 'the token that an image is pulled with'],
  [/\(start\)$/, /^ecr:/, any, 'pulling the image'],
  [
    /\(start\)$/,
    /^secretsmanager:GetSecretValue$/,
    any,
    'user and password of IB Gateway, into its container',
  ],
  // Writers of the book.
  [/\(task\)$/, /:PutItem$/, /-book$/, 'an order is recorded before it leaves'],
  [
    /\(task\)$/,
    /:(GetItem|ConditionCheckItem)$/,
    /-book$/,
    'flags, lock and intents, read and held to while an order is recorded',
  ],
  [/\(task\)$/, /:(GetItem|PutItem)$/, /-control$/, 'the lease and the heartbeat'],
  [/\(task\)$/, /:ConditionCheckItem$/, /-control$/, 'an order is recorded only under the lease'],
  [/\(task\)$/, /^sqs:SendMessage$/, /-book\.fifo$/, 'order events, in their order'],
  [/\(task\)$/, /^sqs:(ReceiveMessage|DeleteMessage)$/, any, 'its commands'],
  [
    /\(task\)$/,
    /^sqs:ChangeMessageVisibility$/,
    any,
    'a command is kept while it is carried out, or given back',
  ],
  [/\(task\)$/, /^s3:PutObject$/, any, 'snapshots of its own account'],
  [
    /\(task\)$/,
    /^s3:GetObject$/,
    any,
    'a command that comes twice is answered with the snapshot that lies there',
  ],
  [any, /:PutItem$/, /-audit$/, 'the audit row of a change, in its transaction; only ever added'],
  [/^book-keeper$/, /:GetItem$/, /-book$/, 'what an event touches'],
  [/^book-keeper$/, /:PutItem$/, /-book$/, 'what an event changes, and the head of the chain'],
  [/^book-keeper$/, /^sqs:SendMessage$/, /-book-dlq\.fifo$/, 'what can never be booked, with its reason'],
  [/^book-keeper$/, /^sqs:/, /-book\.fifo$/, 'Lambda polls the queue with the role of the function'],
  [/^candle-keeper$/, /:PutItem$/, /-candles$/, 'a candle, unless a better one is there'],
  [/^apply-plan$/, /:DeleteItem$/, /-book$/, 'an item that a plan deletes, where FORCE_SYNC_DELETE is on'],
  [
    /^apply-plan$/,
    /:ConditionCheckItem$/,
    /-book$/,
    'the flags and what an action rests on are as they were',
  ],
  [/^apply-plan$/, /:PutItem$/, /-book$/, 'what a plan writes, and how far it came'],
  [/^apply-plan$/, /:(GetItem|Query)$/, /-book$/, 'the plan, the flags, what its actions rest on'],
  [/^reconcile$/, /:PutItem$/, /-book$/, 'the run, the lock, the plan that stands, instruments'],
  [/^reconcile$/, /:(GetItem|Query)$/, /-book$/, 'the book, to be compared'],
  [/^reconcile$/, /:UpdateItem$/, /-control$/, 'one run at a time for each account'],
  [/^reconcile$/, /:Query$/, /-candles$/, 'last prices, for what is recommended at the very first run'],
  [
    /^(reconcile|apply-plan)$/,
    /^sqs:SendMessage$/,
    /-orders-/,
    'commands to the streamer: a snapshot, the cancel of a plan',
  ],
  [/^reconcile$/, /^s3:GetObject$/, /snapshots/, 'the snapshot that it asked for'],
  [
    /^reconcile$/,
    /^s3:ListBucket$/,
    /snapshots/,
    'a snapshot that is not there yet is told from one that may not be read',
  ],
  [
    /^(reconcile|apply-plan)$/,
    /^s3:ListBucket$/,
    /reconcile/,
    'a file that is gone is told from one that may not be read',
  ],
  [/^reconcile$/, /^s3:PutObject$/, /reconcile/, 'evidence, verdict, plan, what people review'],
  [/^reconcile$/, /^s3:GetObject$/, /reconcile/, 'what earlier runs noted'],
  [/^apply-plan$/, /^s3:GetObject$/, /reconcile/, 'the plan, as it was reviewed'],
  [
    /^apply-plan$/,
    /^s3:PutObject$/,
    /reconcile/,
    'the part of a plan that is not ambiguous, as a plan of its own',
  ],
  // Backups.
  [/^(apply-plan|backup)$/, /:Scan$/, /-(book|audit|candles)$/, 'what is backed up'],
  [/^backup$/, /:(GetItem|Query)$/, /-book$/, 'the heads of the chains'],
  [/^(apply-plan|backup)$/, /^s3:PutObject$/, /backups/, 'parts, and the manifest as the last'],
  [/^(apply-plan|backup)$/, /^s3:GetObject$/, /backups/, 'the manifest before it'],
  [
    /^backup$/,
    /^s3:PutObjectTagging$/,
    /backups/,
    'backups past their time are marked; the rule of the bucket deletes them',
  ],
  [readers, /^s3:ListBucket$/, /backups/, 'which backups there are'],
  [/^drill$/, /^s3:ListBucketVersions$/, /backups/, 'a manifest is written once: a second version is found'],
  [/^drill$/, /^s3:GetObject$/, /backups/, 'the backup'],
  [/^drill$/, /^s3:PutObject$/, /backups/, 'the report'],
  [/^drill$/, /^s3:/, /snapshots/, 'the last snapshot of each account, to compare with'],
  [/^drill$/, /:Query$/, /-book$/, 'how far the backup is behind the book'],
  [/^drill$/, /:(CreateTable|DescribeTable|DeleteTable)$/, /-drill-/, 'tables of its own, made and removed'],
  [/^drill$/, /^dynamodb:/, /-drill-/, 'the restore into them, and its check'],
  [/^drill$/, /:ListTables$/, any, 'tables that a drill left behind'],
  // Readers.
  [/^archive$/, /:Scan$/, any, 'which instruments and accounts there are'],
  [/^archive$/, /:(GetItem|Query)$/, any, 'candles, positions and the audit rows of the day'],
  [/^archive$/, /^s3:GetObject$/, any, 'a day is merged with what is there'],
  [/^archive$/, /^s3:PutObject$/, any, 'the files of a day'],
  [/^archive$/, /^s3:ListBucket$/, any, 'a file that is not there is told from one that may not be read'],
  [/^alerts$/, /^sns:Publish$/, any, 'alerts by e-mail'],
  [/^alerts$/, /^sqs:SendMessage$/, /-alerts-dlq$/, 'what no channel has taken for a day'],
  [/^alerts$/, /^sqs:/, /-alerts$/, 'Lambda polls the queue with the role of the function'],
  [
    /^alerts$/,
    /:(GetItem|PutItem)$/,
    /-control$/,
    'its memory: what is open, what waits, who has acknowledged it',
  ],
  [/^watchdog$/, /:(GetItem|Query)$/, /-book$/, 'positions and their stops'],
  [/^watchdog$/, /:GetItem$/, /-control$/, 'the heartbeat, and its own memory'],
  [/^watchdog$/, /:PutItem$/, /-control$/, 'its own memory'],
];

export function purposeOf(role: string): string | undefined {
  return purposes.find(([name]) => name.test(role))?.[1];
}

/** Why a role has a grant; undefined where nobody has said it. */
export function reasonOf({
  role,
  action,
  resource,
}: Pick<Grant, 'role' | 'action' | 'resource'>): string | undefined {
  return rules.find(([of, what, on]) => of.test(role) && what.test(action) && on.test(resource))?.[3];
}

/** Every `*` or `?` in what a role may do: on what, and the reason that it is there. */
export const wildcards: readonly (readonly [actions: RegExp, resource: RegExp, reason: string])[] = [
  [/^ecr:GetAuthorizationToken$/, /^\*$/, 'has no resource of its own: IAM accepts only `*`'],
  [/^dynamodb:ListTables$/, /^\*$/, 'has no resource of its own: IAM accepts only `*`'],
  [
    /^secretsmanager:GetSecretValue$/,
    /:secret:evenkeel-[a-z]+-gateway-[^*]+-\?{6}$/,
    'six characters that Secrets Manager puts after the name of one secret',
  ],
  [
    /^logs:(CreateLogStream|PutLogEvents)$/,
    /:log-group:\/evenkeel-[^*]+:\*$/,
    'the streams of one log group',
  ],
  [
    /^s3:(Get|Put)Object$/,
    /-snapshots-[^/]+\/snapshots\/[^/*]+\/\*$/,
    'each snapshot is an object of its own, in the folder of one account',
  ],
  [
    /^s3:GetObject$/,
    /-snapshots-[^/]+\/snapshots\/\*$/,
    'reconcile and the drill read snapshots of every account',
  ],
  [
    /^s3:(PutObject|PutObjectTagging|GetObject)$/,
    /-backups-[^/]+\/(parts|manifests)\/\*$/,
    'parts and manifests of backups are objects of their own',
  ],
  [/^s3:PutObject$/, /-backups-[^/]+\/drills\/\*$/, 'each report of a drill is an object of its own'],
  [/^s3:(Get|Put)Object$/, /-reconcile-[^/]+\/runs\/\*$/, 'the evidence of each run is an object of its own'],
  [
    /^s3:PutObject$/,
    /-reconcile-[^/]+\/latest\/\*$/,
    'the newest files of each account are objects of their own',
  ],
  [
    /^s3:(Get|Put)Object$/,
    /-archive-[^/]+\/(candles|positions|days)\/\*$/,
    'each symbol and day of the archive is an object of its own',
  ],
  [
    /^dynamodb:(BatchWriteItem|CreateTable|DeleteItem|DeleteTable|DescribeTable|GetItem|PutItem|Query|Scan)$/,
    /:table\/evenkeel-[a-z]+-drill-\*$/,
    'tables of a drill have a name with its time; no other table has such a name',
  ],
];

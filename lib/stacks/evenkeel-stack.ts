/** The stack of one stage. Physical names are `evenkeel-<stage>-<thing>`. */
import { CfnOutput, Fn, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { acknowledgeNoContainerInsights } from './acknowledgements.ts';
import { Alarms } from './alarms.ts';
import { AlertTopic } from './alert-topic.ts';
import { Alerts } from './alerts.ts';
import { Archive } from './archive.ts';
import { Backups } from './backups.ts';
import { Book } from './book.ts';
import type { Bundle, FunctionName } from './bundle.ts';
import { Candles } from './candles.ts';
import { StageDashboard } from './dashboard.ts';
import { StageEventBus } from './event-bus.ts';
import { stageQueue } from './function-parts.ts';
import { Network } from './network.ts';
import { Reconcile } from './reconcile.ts';
import { Snapshots } from './snapshots.ts';
import { StreamerService } from './streamer-service.ts';
import { Watchdog } from './watchdog.ts';

export interface EvenkeelStackProps {
  readonly config: Config;
  /** Of Evenkeel, from package.json. */
  readonly programVersion: string;
  readonly bundles: Readonly<Record<FunctionName, Bundle>>;
}

export class EvenkeelStack extends Stack {
  /** Asked for at deployment: where account and region are known, the CDK would look them up at synth, with credentials. */
  override get availabilityZones(): string[] {
    return [0, 1].map((index) => Fn.select(index, Fn.getAzs()));
  }

  constructor(scope: Construct, { config, bundles, programVersion }: EvenkeelStackProps) {
    const prefix = `evenkeel-${config.stage}`;
    const isProtected = config.stage !== 'sandbox';
    super(scope, prefix, {
      stackName: prefix,
      description: `Evenkeel, stage ${config.stage}`,
      terminationProtection: isProtected,
      // A stack that is bound to an account refuses the credentials of another.
      env: {
        ...(config.aws.accountId === undefined ? {} : { account: config.aws.accountId }),
        ...(config.aws.region === undefined ? {} : { region: config.aws.region }),
      },
    });
    const removalPolicy = isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    // A dashboard takes no tags.
    Tags.of(this).add('evenkeel:stage', config.stage, {
      excludeResourceTypes: ['AWS::CloudWatch::Dashboard'],
    });

    const { bus } = new StageEventBus(this, 'Events', {
      name: prefix,
      archiveDays: config.aws.archiveDays,
      removalPolicy,
    });
    const { topic } = new AlertTopic(this, 'AlertTopic', { prefix, emails: config.alerts.emails });
    const candles = new Candles(this, 'Candles', {
      prefix,
      config,
      bus,
      bundle: bundles['candle-keeper'],
      removalPolicy,
      isProtected,
    });
    const book = new Book(this, 'Book', {
      prefix,
      config,
      bus,
      bundle: bundles['book-keeper'],
      removalPolicy,
      isProtected,
    });
    const snapshots = new Snapshots(this, 'Snapshots', { prefix, removalPolicy });
    const jobs = {
      prefix,
      config,
      bus,
      book,
      candles,
      removalPolicy,
      deadLetters: stageQueue(this, 'Jobs', { name: `${prefix}-jobs-dlq`, removalPolicy }),
    };
    const backups = new Backups(this, 'Backups', { ...jobs, snapshots, bundles, programVersion });
    const archive = new Archive(this, 'Archive', { ...jobs, bundle: bundles.archive });
    const { watchdog } = new Watchdog(this, 'Watchdog', { ...jobs, bundle: bundles.watchdog });
    const alerts = new Alerts(this, 'Alerts', {
      ...jobs,
      jobDeadLetters: jobs.deadLetters,
      topic,
      bundle: bundles.alerts,
    });
    const network = new Network(this, 'Network', prefix);
    const cluster = new Cluster(this, 'Cluster', {
      clusterName: prefix,
      vpc: network.vpc,
      containerInsightsV2: ContainerInsights.DISABLED,
    });
    acknowledgeNoContainerInsights(cluster);
    const streamers = config.streamers.map((streamer) => ({
      config: streamer,
      service: new StreamerService(this, `Streamer-${streamer.name}`, {
        prefix,
        config,
        streamer,
        bus,
        book,
        snapshots,
        cluster,
        network,
        removalPolicy,
      }),
    }));
    const reconcile = new Reconcile(this, 'Reconcile', {
      ...jobs,
      snapshots,
      backups,
      streamers,
      bundles,
      programVersion,
    });

    const observed = {
      prefix,
      config,
      topic,
      watchdog,
      functions: [
        candles.keeper,
        book.keeper,
        backups.backup,
        backups.drill,
        archive.archive,
        watchdog,
        reconcile.reconcile,
        reconcile.applyPlan,
        alerts.alerts,
      ],
      queues: [book.queue, alerts.queue, ...streamers.map(({ service }) => service.commands)],
      deadLetters: [candles.deadLetters, jobs.deadLetters],
      tables: [book.book, book.audit, book.control, candles.table],
    };
    const alarms = new Alarms(this, 'Alarms', observed);
    new StageDashboard(this, 'Dashboard', { ...observed, alarms: alarms.all });

    new CfnOutput(this, 'EventBusName', { value: bus.eventBusName });
    new CfnOutput(this, 'CandlesTableName', { value: candles.table.tableName });
    new CfnOutput(this, 'CandleKeeperName', { value: candles.keeper.functionName });
    new CfnOutput(this, 'CandleKeeperDeadLetters', { value: candles.deadLetters.queueUrl });
    new CfnOutput(this, 'BookTableName', { value: book.book.tableName });
    new CfnOutput(this, 'AuditTableName', { value: book.audit.tableName });
    new CfnOutput(this, 'ControlTableName', { value: book.control.tableName });
    new CfnOutput(this, 'BookQueueUrl', { value: book.queue.queueUrl });
    new CfnOutput(this, 'BookDeadLetters', { value: book.deadLetters.queueUrl });
    new CfnOutput(this, 'BookKeeperName', { value: book.keeper.functionName });
    new CfnOutput(this, 'SnapshotBucketName', { value: snapshots.bucket.bucketName });
    new CfnOutput(this, 'BackupBucketName', { value: backups.bucket.bucketName });
    new CfnOutput(this, 'BackupName', { value: backups.backup.functionName });
    new CfnOutput(this, 'DrillName', { value: backups.drill.functionName });
    new CfnOutput(this, 'ArchiveBucketName', { value: archive.bucket.bucketName });
    new CfnOutput(this, 'ArchiveName', { value: archive.archive.functionName });
    new CfnOutput(this, 'ReconcileBucketName', { value: reconcile.bucket.bucketName });
    new CfnOutput(this, 'ReconcileName', { value: reconcile.reconcile.functionName });
    new CfnOutput(this, 'ApplyPlanName', { value: reconcile.applyPlan.functionName });
    new CfnOutput(this, 'WatchdogName', { value: watchdog.functionName });
    new CfnOutput(this, 'AlertTopicArn', { value: topic.topicArn });
    new CfnOutput(this, 'AlertsName', { value: alerts.alerts.functionName });
    new CfnOutput(this, 'AlertDeadLetters', { value: alerts.deadLetters.queueUrl });
    new CfnOutput(this, 'JobDeadLetters', { value: jobs.deadLetters.queueUrl });
    new CfnOutput(this, 'ClusterName', { value: cluster.clusterName });
  }
}

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArnFormat, Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AvailabilityZoneRebalancing,
  type Cluster,
  ContainerDependencyCondition,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
  Secret as TaskSecret,
} from 'aws-cdk-lib/aws-ecs';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { type CfnRole, Grant, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { gatewayIsBeside } from '../../config/gateway-place.ts';
import type { Config, StreamerConfig } from '../../config/schema.ts';
import { gatewayPort, kindOfStage } from '../domain/safety/paper-or-live.ts';
import {
  acknowledgeOwnSnapshots,
  acknowledgeRegistryToken,
  acknowledgeTaskEnvironment,
} from './acknowledgements.ts';
import type { Book } from './book.ts';
import { stageQueue } from './function-parts.ts';
import type { Network } from './network.ts';
import type { Snapshots } from './snapshots.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where the outbox lies in the container; the Dockerfile declares the same folder, and a test compares them. */
export const outboxFolder = '/var/lib/evenkeel';

/** Fargate waits no longer than this between SIGTERM and SIGKILL. */
const stopTimeout = Duration.seconds(120);

/** What the streamer itself may use; the rest of the task is the gateway's, a Java program. */
const streamerMemoryMiB = 768;

/** The task's processor, and what the image is built for. */
const architectures = {
  x86_64: { cpuArchitecture: CpuArchitecture.X86_64, platform: Platform.LINUX_AMD64 },
  arm64: { cpuArchitecture: CpuArchitecture.ARM64, platform: Platform.LINUX_ARM64 },
} as const;

export interface StreamerServiceProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly bus: EventBus;
  readonly book: Book;
  readonly snapshots: Snapshots;
  readonly cluster: Cluster;
  readonly network: Network;
  readonly removalPolicy: RemovalPolicy;
}

/** The configuration asks for something that the task cannot be. Nothing was deployed. */
export class StreamerServiceError extends Error {
  override readonly name = 'StreamerServiceError';
  readonly code = 'STREAMER_GATEWAY_UNREACHABLE';

  constructor(streamer: string, port: number, needed: number) {
    super(
      `STREAMER_GATEWAY_UNREACHABLE: The streamer ${streamer} would look for IB Gateway on port ${port} of its own task, ` +
        `where the gateway's container listens on ${needed}; nothing was deployed. Set gateway.port to ${needed}, or ` +
        'gateway.host to the machine that runs your own gateway.',
    );
  }
}

/**
 * One streamer: an ECS service of exactly one task, in which the streamer and IB Gateway share a loopback. IB allows
 * one session for each login, so there must never be two: a deployment stops the old task before it starts the new.
 */
export class StreamerService extends Construct {
  readonly service: FargateService;
  /** What operators and functions ask of this streamer. */
  readonly commands: Queue;

  constructor(scope: Construct, id: string, props: StreamerServiceProps) {
    super(scope, id);
    const { prefix, config, streamer, bus, book, snapshots, network } = props;
    const name = `${prefix}-streamer-${streamer.name}`;
    const { cpuArchitecture, platform } = architectures[config.aws.architecture];
    const task = new FargateTaskDefinition(this, 'Task', {
      family: name,
      cpu: config.aws.streamerCpu,
      memoryLimitMiB: config.aws.streamerMemoryMiB,
      // Both containers share the task's architecture.
      runtimePlatform: { cpuArchitecture, operatingSystemFamily: OperatingSystemFamily.LINUX },
      volumes: [{ name: 'outbox' }],
    });
    onlyTasksOfThisAccount(task);
    this.commands = this.#commandQueue(props);
    task.addToTaskRolePolicy(
      new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }),
    );
    task.addToTaskRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [book.queue.queueArn] }),
    );
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ['sqs:ReceiveMessage', 'sqs:ChangeMessageVisibility', 'sqs:DeleteMessage'],
        resources: [this.commands.queueArn],
      }),
    );
    // Orders are recorded before they leave, by transactions that check the lease and have their audit row.
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
        resources: [book.book.tableArn],
        conditions: ofAccount('StringEquals', `A#${streamer.account}`),
      }),
    );
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ['dynamodb:PutItem'],
        resources: [book.audit.tableArn],
        conditions: ofAccount('StringLike', `A#${streamer.account}#*`),
      }),
    );
    // The lease and the heartbeat.
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
        resources: [book.control.tableArn],
        conditions: ofAccount('StringEquals', `A#${streamer.account}`),
      }),
    );
    task.addToTaskRolePolicy(
      new PolicyStatement({
        // A command that comes twice is answered with the snapshot that lies there.
        actions: ['s3:GetObject', 's3:PutObject'],
        resources: [snapshots.bucket.arnForObjects(`snapshots/${streamer.account}/*`)],
      }),
    );
    acknowledgeOwnSnapshots(task, snapshots.bucket, streamer.account);
    acknowledgeTaskEnvironment(task);
    acknowledgeRegistryToken(task.obtainExecutionRole());
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/${prefix}/streamer-${streamer.name}`,
      retention: config.aws.logRetentionDays,
      removalPolicy: props.removalPolicy,
    });
    const streamerContainer = task.addContainer('streamer', {
      image: ContainerImage.fromAsset(root, {
        file: join('streamer', 'Dockerfile'),
        platform,
      }),
      memoryLimitMiB: streamerMemoryMiB,
      environment: {
        STAGE: config.stage,
        STREAMER_NAME: streamer.name,
        EVENT_BUS_NAME: bus.eventBusName,
        BOOK_QUEUE_URL: book.queue.queueUrl,
        COMMAND_QUEUE_URL: this.commands.queueUrl,
        CONTROL_TABLE: book.control.tableName,
        SNAPSHOT_BUCKET: snapshots.bucket.bucketName,
        BOOK_TABLE: book.book.tableName,
        AUDIT_TABLE: book.audit.tableName,
      },
      // Healthy means that the lease is held, so that a second login never ends the session of a task that still has it.
      // Not /readyz: ready means connected, and the gateway's container starts only after this one is healthy.
      healthCheck: {
        command: [
          'CMD',
          'node',
          '-e',
          "fetch('http://127.0.0.1:'+process.env.HEALTH_PORT+'/healthz').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))",
        ],
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        retries: 3,
        // A task that was lost without a word gives its lease up only by its time to live.
        startPeriod: Duration.seconds(120),
      },
      // The outbox lies on a volume of the task, which outlives a container: a crash restarts the container, not the task.
      enableRestartPolicy: true,
      restartAttemptPeriod: Duration.seconds(60),
      readonlyRootFilesystem: true,
      stopTimeout,
      logging: LogDrivers.awsLogs({ logGroup, streamPrefix: 'streamer' }),
    });
    streamerContainer.addMountPoints({
      sourceVolume: 'outbox',
      containerPath: outboxFolder,
      readOnly: false,
    });

    if (gatewayIsBeside(streamer)) {
      const port = gatewayPort(kindOfStage(config.stage));
      if (streamer.gateway.port !== port)
        throw new StreamerServiceError(streamer.name, streamer.gateway.port, port);
      const login = Secret.fromSecretNameV2(this, 'GatewayLogin', `${prefix}-gateway-${streamer.name}`);
      const gatewayContainer = task.addContainer('gateway', {
        image: ContainerImage.fromRegistry(config.aws.gatewayImage),
        memoryLimitMiB: config.aws.streamerMemoryMiB - streamerMemoryMiB,
        environment: gatewayEnvironment(config, streamer),
        secrets: {
          TWS_USERID: readOnly(login, 'TWS_USERID'),
          TWS_PASSWORD: readOnly(login, 'TWS_PASSWORD'),
        },
        // No health check: it may wait for a second factor for hours, and a task replaced meanwhile would log in again
        // and again. The streamer watches the session, and says so when it is lost.
        enableRestartPolicy: true,
        restartAttemptPeriod: Duration.seconds(60),
        // It stops before the streamer does, and has nothing to save.
        stopTimeout: Duration.seconds(30),
        logging: LogDrivers.awsLogs({ logGroup, streamPrefix: 'gateway' }),
      });
      // No login before the streamer is up: a second login would end the session of a task that is still stopping.
      gatewayContainer.addContainerDependencies({
        container: streamerContainer,
        condition: ContainerDependencyCondition.HEALTHY,
      });
    }

    this.service = new FargateService(this, 'Service', {
      serviceName: name,
      cluster: props.cluster as ICluster,
      taskDefinition: task,
      desiredCount: 1,
      // Stop the old, then start the new; AZ rebalancing would do it the other way round.
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,
      circuitBreaker: { rollback: true },
      assignPublicIp: true,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      securityGroups: [network.taskSecurityGroup],
      enableExecuteCommand: false,
    });
  }

  /** The commands of operators and strategies to this streamer: a queue of its own, because SQS cannot receive by group. */
  #commandQueue({ prefix, streamer, removalPolicy }: StreamerServiceProps): Queue {
    const name = `${prefix}-orders-${streamer.name}`;
    const deadLetters = stageQueue(this, 'CommandDeadLetters', {
      name: `${name}-dlq`,
      fifo: true,
      removalPolicy,
    });
    return stageQueue(this, 'Commands', {
      name,
      fifo: true,
      removalPolicy,
      // Its reader holds what it carries out for longer, again and again.
      visibilityTimeout: Duration.seconds(20),
      retentionPeriod: Duration.days(1),
      deadLetters: { queue: deadLetters, maxReceiveCount: 5 },
    });
  }
}

/** Only partitions of the streamer's own account; a test keeps them equal to those that lib/aws/keys.ts builds. */
function ofAccount(operator: 'StringEquals' | 'StringLike', partition: string): Record<string, object> {
  return { [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': [partition] } };
}

/** ECS says for which account it asks; the role that pulls the image is assumed by ECS itself, which says nothing. */
function onlyTasksOfThisAccount(task: FargateTaskDefinition): void {
  const stack = Stack.of(task);
  const role = task.taskRole.node.defaultChild as CfnRole;
  role.addPropertyOverride('AssumeRolePolicyDocument.Statement.0.Condition', {
    StringEquals: { 'aws:SourceAccount': stack.account },
    ArnLike: {
      'aws:SourceArn': stack.formatArn({
        service: 'ecs',
        resource: '*',
        arnFormat: ArnFormat.NO_RESOURCE_NAME,
      }),
    },
  });
}

/** A field of a secret, with the one permission that ECS needs: the library's own grant would also let it describe the secret. */
function readOnly(secret: ISecret, field: string): TaskSecret {
  const read = TaskSecret.fromSecretsManager(secret, field);
  return Object.assign(Object.create(read) as TaskSecret, {
    grantRead: (grantee: IGrantable) =>
      Grant.addToPrincipal({
        grantee,
        actions: ['secretsmanager:GetSecretValue'],
        // Six characters that Secrets Manager puts after the name.
        resourceArns: [`${secret.secretArn}-??????`],
      }),
  });
}

/** The image's settings: https://github.com/gnzsnz/ib-gateway-docker. Its login is not among them, it is a secret. */
function gatewayEnvironment({ stage, aws }: Config, streamer: StreamerConfig): Record<string, string> {
  return {
    TRADING_MODE: stage === 'live' ? 'live' : 'paper',
    READ_ONLY_API: streamer.gateway.readOnlyApi ? 'yes' : 'no',
    // The daily restart keeps the login; without it IB Gateway logs off once a day.
    AUTO_RESTART_TIME: aws.gatewayRestartTime,
    TIME_ZONE: streamer.gateway.timeZone,
    // The master client is told of every client's orders, those typed by hand included.
    TWS_MASTER_CLIENT_ID: String(streamer.gateway.clientId),
    TWOFA_TIMEOUT_ACTION: 'restart',
    RELOGIN_AFTER_TWOFA_TIMEOUT: 'yes',
    // Keep this session when somebody logs in with the same name elsewhere.
    EXISTING_SESSION_DETECTED_ACTION: 'primary',
    TWS_ACCEPT_INCOMING: 'accept',
    ALLOW_BLIND_TRADING: 'no',
    JAVA_HEAP_SIZE: '1024',
  };
}

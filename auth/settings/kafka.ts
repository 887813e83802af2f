/** Kafka for events: where it is, how it is spoken to. */
import { booleanSetting, choiceSetting, listSetting, type SettingProblem, textSetting } from '@sallyport/kit/config';
import { hasTls, type KafkaTargetSettings } from '../outbox/sinks/kafka/target.ts';

export const kafkaSettings = {
  kafkaBrokers: listSetting({
    env: 'KAFKA_BROKERS',
    item: /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:]{2,45}\]):\d{1,5}$/,
    form: '`host:port`, such as kafka-1.example.org:9092',
    optional: true,
    doc: 'Kafka for events: `host:port` of one broker or more, the others are learnt from it.',
  }),
  kafkaTopic: textSetting({
    env: 'KAFKA_TOPIC',
    // What Kafka takes for a name.
    pattern: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
    default: 'user-events',
    doc: 'Topic of the events. One key per user: more partitions, more consumers side by side.',
  }),
  kafkaCreateTopic: booleanSetting({
    env: 'KAFKA_CREATE_TOPIC',
    default: false,
    doc: "Makes the topic where there is none, with the broker's own number of partitions and replicas.",
  }),
  kafkaTls: booleanSetting({
    env: 'KAFKA_TLS',
    optional: true,
    insecure: (on) => (on === false ? 'is off: events can be read and changed on the way' : undefined),
    doc: 'TLS with verified certificates. Where it is not stated: on, and off where all brokers are on this machine itself.',
  }),
  kafkaCaPath: textSetting({
    env: 'KAFKA_CA_PATH',
    optional: true,
    doc: "PEM file of the authorities that may have signed the brokers' certificates. Default: those that Node.js knows.",
  }),
  kafkaClientCertPath: textSetting({
    env: 'KAFKA_CLIENT_CERT_PATH',
    optional: true,
    doc: 'PEM file of a certificate of our own, for brokers that ask for one.',
  }),
  kafkaClientKeyPath: textSetting({ env: 'KAFKA_CLIENT_KEY_PATH', optional: true, doc: 'PEM file of its key.' }),
  kafkaSaslMechanism: choiceSetting({
    env: 'KAFKA_SASL_MECHANISM',
    values: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    default: 'SCRAM-SHA-512',
    doc: 'How name and password are shown to the brokers. PLAIN sends the password itself, and is refused without TLS.',
  }),
  kafkaUsername: textSetting({
    env: 'KAFKA_USERNAME',
    optional: true,
    doc: 'Name at the brokers. Default: none is shown.',
  }),
  kafkaPassword: textSetting({ env: 'KAFKA_PASSWORD', optional: true, secret: true, doc: 'Its password.' }),
};

export const kafkaProblems = (
  settings: KafkaTargetSettings & { readonly eventSink: string | undefined },
): readonly SettingProblem[] => {
  const { kafkaBrokers, kafkaUsername, kafkaPassword } = settings;
  const unused: readonly (readonly [string, unknown])[] = [
    ['KAFKA_TLS', settings.kafkaTls],
    ['KAFKA_CA_PATH', settings.kafkaCaPath],
    ['KAFKA_CLIENT_CERT_PATH', settings.kafkaClientCertPath],
    ['KAFKA_CLIENT_KEY_PATH', settings.kafkaClientKeyPath],
    ['KAFKA_USERNAME', kafkaUsername],
    ['KAFKA_PASSWORD', kafkaPassword],
  ];
  if (kafkaBrokers === undefined) {
    return unused
      .filter(([, value]) => value !== undefined)
      .map(([setting]) => ({ setting, problem: 'is set, and KAFKA_BROKERS names no Kafka' }))
      .concat(
        settings.eventSink === 'kafka'
          ? [{ setting: 'KAFKA_BROKERS', problem: 'is required by EVENT_SINK=kafka' }]
          : [],
      );
  }
  const problems: SettingProblem[] = [];
  if ((kafkaUsername === undefined) !== (kafkaPassword === undefined)) {
    const [setting, other] = kafkaUsername === undefined ? ['USERNAME', 'PASSWORD'] : ['PASSWORD', 'USERNAME'];
    problems.push({ setting: `KAFKA_${setting}`, problem: `is missing: KAFKA_${other} is set` });
  }
  if ((settings.kafkaClientCertPath === undefined) !== (settings.kafkaClientKeyPath === undefined)) {
    const [setting, other] = settings.kafkaClientCertPath === undefined ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
    problems.push({
      setting: `KAFKA_CLIENT_${setting}_PATH`,
      problem: `is missing: KAFKA_CLIENT_${other}_PATH is set`,
    });
  }
  const isClear = !hasTls(settings);
  if (isClear && kafkaPassword !== undefined && settings.kafkaSaslMechanism === 'PLAIN') {
    const problem = 'is PLAIN without TLS: the password would be sent in clear. Set KAFKA_TLS=on, or take SCRAM';
    problems.push({ setting: 'KAFKA_SASL_MECHANISM', problem });
  }
  if (isClear && (settings.kafkaCaPath !== undefined || settings.kafkaClientCertPath !== undefined)) {
    const problem = 'is off (its default on this machine itself), and certificates for it are named';
    problems.push({ setting: 'KAFKA_TLS', problem });
  }
  return problems;
};

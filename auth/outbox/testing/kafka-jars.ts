/**
 * The jars of a Kafka broker for tests and benches: fetched once by Maven from Maven Central into a cache folder that survives runs.
 * Nothing that ships stands on them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const version = '4.4.0';
/** Kafka 4 refuses to run on an older one. */
const leastJava = 17;
const fetchLimitMs = 240_000;

const cacheFolder = (): string => process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');

/** Absolute. Where the jars are once they have been fetched. */
export const kafkaJars = (): string => join(cacheFolder(), 'sallyport', `kafka-${version}`);

export const hasKafkaJars = (): boolean => existsSync(join(kafkaJars(), `kafka_2.13-${version}.jar`));

/** Whether the Java on the PATH can run it. */
export const hasJava = (): boolean => {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return error === undefined && Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) >= leastJava;
};

const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sallyport</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;

/**
 * Fetches them where they are not there yet: some 45 MB, checked by Maven against the published checksums. All or nothing: an
 * interrupted fetch leaves no folder that looks whole. Returns why it could not be done.
 */
export const fetchKafkaJars = (): string | undefined => {
  if (hasKafkaJars()) return undefined;
  const folder = kafkaJars();
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-new-`);
  try {
    writeFileSync(join(work, 'pom.xml'), project);
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies';
    const args = [
      '-B',
      '-q',
      '-Dstyle.color=never',
      '--strict-checksums',
      goal,
      '-DoutputDirectory=jars',
      '-Dmaven.repo.local=repository',
    ];
    const { status, error, stdout } = spawnSync('mvn', args, { cwd: work, timeout: fetchLimitMs, encoding: 'utf8' });
    if (error !== undefined || status !== 0) return `mvn failed: ${error?.message ?? firstError(stdout)}`;
    if (readdirSync(join(work, 'jars')).length === 0) return 'mvn fetched nothing';
    moveTo(join(work, 'jars'), folder);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

const firstError = (text: string): string =>
  text
    .split('\n')
    .find((line) => /\[ERROR\] \S/.test(line))
    ?.replace(/^.*\[ERROR\] /, '')
    .slice(0, 300) ?? 'it does not say why';

const moveTo = (from: string, folder: string): void => {
  try {
    renameSync(from, folder);
  } catch (error) {
    // Another run has been faster.
    if (!hasKafkaJars()) throw error;
  }
};

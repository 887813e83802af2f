export { openSessionCopies, type SessionCopies } from './session-copies.ts';
export {
  anyRedis,
  isAnyRedisMissing,
  isRedisMissing,
  type RedisServer,
  type RedisUrl,
  startRedis,
} from './start-redis.ts';

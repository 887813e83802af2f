-- Makes the table audit_logs what Sallyport writes to. It only adds columns, all of them nullable, and tables of its own; it can be run twice.
-- Generated from storage/migrations/mysql/0001-audit-logs.ts by `npm run generate`; do not edit.
-- mysql --host=… audit < scripts/database/update_audit_logs.sql

CREATE TABLE IF NOT EXISTS audit_logs (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY
) DEFAULT CHARACTER SET utf8mb4;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'event_type') = 0, 'ALTER TABLE audit_logs ADD COLUMN event_type VARCHAR(50) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'user_id') = 0, 'ALTER TABLE audit_logs ADD COLUMN user_id VARCHAR(128) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'ip_address') = 0, 'ALTER TABLE audit_logs ADD COLUMN ip_address VARCHAR(50) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'user_agent') = 0, 'ALTER TABLE audit_logs ADD COLUMN user_agent VARCHAR(500) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'details') = 0, 'ALTER TABLE audit_logs ADD COLUMN details TEXT NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'created_at') = 0, 'ALTER TABLE audit_logs ADD COLUMN created_at DATETIME(3) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'effect_id') = 0, 'ALTER TABLE audit_logs ADD COLUMN effect_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'realm_id') = 0, 'ALTER TABLE audit_logs ADD COLUMN realm_id VARCHAR(64) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'actor') = 0, 'ALTER TABLE audit_logs ADD COLUMN actor VARCHAR(16) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'session_id') = 0, 'ALTER TABLE audit_logs ADD COLUMN session_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'device_id') = 0, 'ALTER TABLE audit_logs ADD COLUMN device_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'request_id') = 0, 'ALTER TABLE audit_logs ADD COLUMN request_id VARCHAR(64) NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'at_ms') = 0, 'ALTER TABLE audit_logs ADD COLUMN at_ms BIGINT NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'node') = 0, 'ALTER TABLE audit_logs ADD COLUMN node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'boot') = 0, 'ALTER TABLE audit_logs ADD COLUMN boot VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'boot_number') = 0, 'ALTER TABLE audit_logs ADD COLUMN boot_number BIGINT NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'mac') = 0, 'ALTER TABLE audit_logs ADD COLUMN mac VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'place') = 0, 'ALTER TABLE audit_logs ADD COLUMN place BIGINT NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'hash') = 0, 'ALTER TABLE audit_logs ADD COLUMN hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'person_hash') = 0, 'ALTER TABLE audit_logs ADD COLUMN person_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND column_name = 'person_salt') = 0, 'ALTER TABLE audit_logs ADD COLUMN person_salt CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND index_name = 'sallyport_effect') = 0, 'CREATE UNIQUE INDEX sallyport_effect ON audit_logs (effect_id)', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND index_name = 'sallyport_place') = 0, 'CREATE UNIQUE INDEX sallyport_place ON audit_logs (place)', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND index_name = 'sallyport_open') = 0, 'CREATE INDEX sallyport_open ON audit_logs (place, effect_id)', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND index_name = 'sallyport_user') = 0, 'CREATE INDEX sallyport_user ON audit_logs (user_id, effect_id)', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND index_name = 'sallyport_type') = 0, 'CREATE INDEX sallyport_type ON audit_logs (event_type, user_id)', 'DO 0');
PREPARE sallyport_step FROM @sallyport_step;
EXECUTE sallyport_step;
DEALLOCATE PREPARE sallyport_step;
CREATE TABLE IF NOT EXISTS audit_log_chain (
  id TINYINT NOT NULL PRIMARY KEY,
  place BIGINT NOT NULL,
  hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  lease_holder VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  lease_until_ms BIGINT NOT NULL
);
INSERT INTO audit_log_chain (id, place, hash, lease_until_ms)
SELECT 1, 0, REPEAT('0', 64), 0 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM audit_log_chain);
CREATE TABLE IF NOT EXISTS audit_log_checkpoints (
  kind VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  place BIGINT NOT NULL,
  hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at_ms BIGINT NOT NULL,
  key_id VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  signature VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (kind, place)
);

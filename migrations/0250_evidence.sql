-- Evidence of finished days: neighbouring intervals of one line within one local hour become one interval.
-- Nobody may change evidence by hand (grants.sql). These two may be called, and can only put together what
-- says the same: sums stay, registers go on, one line stays one line.
CREATE TABLE IF NOT EXISTS evidence_merged (
 meter_id BIGINT NOT NULL PRIMARY KEY,
 until_at BIGINT NOT NULL COMMENT 'utc ms: intervals that end up to here were looked at',
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='how far the evidence of each meter was put together';

-- The last of the intervals that end from first_at to last_at takes in the others.
CREATE OR REPLACE PROCEDURE evidence_merge(IN of_meter BIGINT, IN first_at BIGINT, IN last_at BIGINT)
 MODIFIES SQL DATA
 UPDATE settlement s JOIN (
  SELECT MIN(from_at) AS from_at, MIN(from_milli) AS from_milli, CAST(SUM(qty_milli) AS INTEGER) AS qty,
   CAST(SUM(charge_nano) AS INTEGER) AS charge
  FROM settlement WHERE meter_id = of_meter AND to_at BETWEEN first_at AND last_at
  HAVING COUNT(*) > 1
   AND MAX(kind <> 'use' OR rates <> '' OR capacity_milli <> 0 OR JSON_LENGTH(evidence) <> 1) = 0
   AND COUNT(DISTINCT COALESCE(account_id, 0), ratio, JSON_REPLACE(evidence, '$[0][4]', 0)) = 1
   AND SUM(to_milli - from_milli) = MAX(to_milli) - MIN(from_milli)) g
 SET s.from_at = g.from_at, s.from_milli = g.from_milli, s.qty_milli = g.qty, s.charge_nano = g.charge,
  s.evidence = JSON_REPLACE(s.evidence, '$[0][4]', g.qty)
 WHERE s.meter_id = of_meter AND s.to_at = last_at;

-- Those of the others that lie wholly within it go.
CREATE OR REPLACE PROCEDURE evidence_drop(IN of_meter BIGINT, IN first_at BIGINT, IN last_at BIGINT)
 MODIFIES SQL DATA
 DELETE s FROM settlement s JOIN settlement b ON b.meter_id = s.meter_id AND b.to_at = last_at
  AND b.from_at <= s.from_at AND b.from_milli <= s.from_milli AND b.to_milli >= s.to_milli
  AND b.kind = s.kind AND b.rates = s.rates AND b.capacity_milli = s.capacity_milli AND b.ratio = s.ratio
  AND COALESCE(b.account_id, 0) = COALESCE(s.account_id, 0)
  AND JSON_REPLACE(b.evidence, '$[0][4]', 0) = JSON_REPLACE(s.evidence, '$[0][4]', 0)
 WHERE s.meter_id = of_meter AND s.to_at >= first_at AND s.to_at < last_at;

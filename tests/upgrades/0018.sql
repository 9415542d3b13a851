BEGIN TRANSACTION;
CREATE TABLE "account" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "contact" TEXT,
        "package" TEXT NOT NULL,
        "reseller" TEXT,
        "state" TEXT NOT NULL,
        "source" TEXT NOT NULL,
        "override" TEXT,
        "found_at" TEXT NOT NULL,
        "gone_at" TEXT
    , "wanted" INTEGER, "covered" INTEGER, "problems" INTEGER, "expires_at" TEXT, "notify" TEXT, "near_at" TEXT);
INSERT INTO "account" VALUES('elsewhere',NULL,'default',NULL,'active','apache',NULL,'2026-11-25T20:39:20.960864+00:00',NULL,1,1,0,'2027-02-23T20:39:27.000000+00:00',NULL,'2027-02-16T20:39:27.000000+00:00');
INSERT INTO "account" VALUES('killed','owner@killed.test','large','rita','active','apache',NULL,'2026-11-25T20:39:20.960864+00:00',NULL,3,2,1,'2027-02-23T20:39:53.000000+00:00','failures','2027-02-16T20:39:53.000000+00:00');
INSERT INTO "account" VALUES('by-hand',NULL,'default',NULL,'suspended','manifest','disabled','2026-11-25T20:39:31.360899+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "assignment" (
        "main" TEXT NOT NULL PRIMARY KEY,
        "account" TEXT NOT NULL,
        "assigned_at" TEXT NOT NULL
    );
CREATE TABLE "attempt" (
        "key" TEXT NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "user_id" INTEGER,
        "failures" INTEGER NOT NULL,
        "changed_at" TEXT NOT NULL,
        "succeeded_at" TEXT,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    );
CREATE TABLE "audit_entry" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "at" TEXT NOT NULL,
        "who" TEXT NOT NULL,
        "role" TEXT NOT NULL,
        "action" TEXT NOT NULL,
        "object" TEXT NOT NULL,
        "origin" TEXT NOT NULL,
        "result" TEXT NOT NULL
    );
INSERT INTO "audit_entry" VALUES(1,'2026-11-25T20:39:16.289478+00:00','root','system','init','--admin admin','command line','done');
INSERT INTO "audit_entry" VALUES(2,'2026-11-25T20:39:17.085679+00:00','root','system','plugin set','rfc2136 server zones key_name --secret-file key_secret=-','command line','done');
INSERT INTO "audit_entry" VALUES(3,'2026-11-25T20:39:19.937178+00:00','root','system','setup','','command line','done');
INSERT INTO "audit_entry" VALUES(4,'2026-11-25T20:39:21.008723+00:00','root','system','discover','','command line','done');
INSERT INTO "audit_entry" VALUES(5,'2026-11-25T20:39:22.112906+00:00','root','system','dns assign','elsewhere.test elsewhere','command line','done');
INSERT INTO "audit_entry" VALUES(6,'2026-11-25T20:39:23.226855+00:00','root','system','provider add','pebble --directory https://localhost:14000/dir --ca-bundle /var/lib/pebble/https.pem','command line','done');
INSERT INTO "audit_entry" VALUES(7,'2026-11-25T20:39:24.443021+00:00','root','system','provider use','pebble --accept-terms --contact admin@bench.test','command line','done');
INSERT INTO "audit_entry" VALUES(8,'2026-11-25T20:39:29.756847+00:00','root','system','check','--all','command line','done');
INSERT INTO "audit_entry" VALUES(9,'2026-11-25T20:39:31.380178+00:00','root','system','account add','by-hand --name nowhere.invalid','command line','done');
INSERT INTO "audit_entry" VALUES(10,'2026-11-25T20:39:32.679251+00:00','root','system','account suspend','by-hand','command line','done');
INSERT INTO "audit_entry" VALUES(11,'2026-11-25T20:39:33.739924+00:00','root','system','account contact','killed owner@killed.test','command line','done');
INSERT INTO "audit_entry" VALUES(12,'2026-11-25T20:39:34.664897+00:00','root','system','account notify','failures killed','command line','done');
INSERT INTO "audit_entry" VALUES(13,'2026-11-25T20:39:35.323897+00:00','root','system','features set','strong --key-type ecdsa-p384','command line','done');
INSERT INTO "audit_entry" VALUES(14,'2026-11-25T20:39:36.134590+00:00','root','system','package set','large --features strong','command line','done');
INSERT INTO "audit_entry" VALUES(15,'2026-11-25T20:39:37.143019+00:00','root','system','account package','large killed','command line','done');
INSERT INTO "audit_entry" VALUES(16,'2026-11-25T20:39:38.160771+00:00','root','system','account override','disabled by-hand','command line','done');
INSERT INTO "audit_entry" VALUES(17,'2026-11-25T20:39:39.343057+00:00','root','system','plugin set','sendmail enabled','command line','done');
INSERT INTO "audit_entry" VALUES(18,'2026-11-25T20:39:40.119013+00:00','root','system','option set','admin_addresses killed@killed.test','command line','done');
INSERT INTO "audit_entry" VALUES(19,'2026-11-25T20:39:41.038746+00:00','root','system','token add','--user admin --label a script --scope check','command line','done');
INSERT INTO "audit_entry" VALUES(20,'2026-11-25T20:39:43.083489+00:00','root','system','user add','rita --role reseller --password-file -','command line','done');
INSERT INTO "audit_entry" VALUES(21,'2026-11-25T20:39:44.380583+00:00','root','system','user contact','rita rita@reseller.test','command line','done');
INSERT INTO "audit_entry" VALUES(22,'2026-11-25T20:39:45.245115+00:00','root','system','account reseller','killed rita','command line','done');
INSERT INTO "audit_entry" VALUES(23,'2026-11-25T20:39:46.080763+00:00','root','system','user add','owner --account killed --password-file -','command line','done');
INSERT INTO "audit_entry" VALUES(24,'2026-11-25T20:39:46.868374+00:00','root','system','admin add','second --password-file -','command line','done');
INSERT INTO "audit_entry" VALUES(25,'2026-11-25T20:39:49.016973+00:00','root','system','admin reset-password','admin --password-file -','command line','done');
INSERT INTO "audit_entry" VALUES(26,'2026-11-25T20:39:50.336612+00:00','root','system','user add','invited --account by-hand --link','command line','done');
INSERT INTO "audit_entry" VALUES(27,'2026-11-25T20:39:51.861042+00:00','root','system','exclude add','killed www.killed.test','command line','done');
INSERT INTO "audit_entry" VALUES(28,'2026-11-25T20:39:56.508203+00:00','root','system','check','--all','command line','done');
INSERT INTO "audit_entry" VALUES(29,'2026-11-25T20:40:01.037719+00:00','root','system','check','--all','command line','failed');
CREATE TABLE "backup_code" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "user_id" INTEGER NOT NULL,
        "hash" TEXT NOT NULL,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    );
INSERT INTO "backup_code" VALUES(1,4,'36c8b3e6fbc646dbb535e80e980dd490137b68300f46522383ddfea9cdb865ae');
INSERT INTO "backup_code" VALUES(2,4,'9447f4bb9ab46f435b271aafc7adbf0404add3c2077196b112e931c28560a510');
INSERT INTO "backup_code" VALUES(3,4,'7980edef7b48dbf9cba4d0addeeee357c8fb4ce34dd38c562b90cb4e22db6b01');
INSERT INTO "backup_code" VALUES(4,4,'c99a1bbc574538678ca3346a11563097fe54db3054585804f8d80631fa8156c9');
INSERT INTO "backup_code" VALUES(5,4,'f1f0e70fd4ee9ed86091ae8531fffebea24f815d563cd461d4b20f73f3b1a7e3');
INSERT INTO "backup_code" VALUES(6,4,'a3eeb1b19632b880f4b50938f45c298f1692381b64d34931eba369f16b30e32b');
INSERT INTO "backup_code" VALUES(7,4,'ee8c521c1f5845d510886c6251948cd1a74ccad72de30736abfa7d37275a1479');
INSERT INTO "backup_code" VALUES(8,4,'e83e8504f246156ede82b45dbc216ab39ec5d6e7f37787b5210e4002ec831ae7');
INSERT INTO "backup_code" VALUES(9,4,'2899f4c23cc61e54d94a48fa07b7bd7eebb2ed53aae659a4df85cba30324d158');
INSERT INTO "backup_code" VALUES(10,4,'e6bdd66cbb8d1526679150662dc7ede723cb4aca6bb3fdd68cb3bd6b4b4170ad');
CREATE TABLE "budget" (
        "provider" TEXT NOT NULL,
        "counted" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "full_at" TEXT NOT NULL,
        PRIMARY KEY ("provider", "counted", "key")
    );
INSERT INTO "budget" VALUES('pebble','starts','','2026-11-25T20:40:04.539450+00:00');
CREATE TABLE "certificate" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "website" TEXT NOT NULL,
        "serial" TEXT NOT NULL,
        "fingerprint" TEXT NOT NULL,
        "names" TEXT NOT NULL,
        "issuer" TEXT NOT NULL,
        "provider" TEXT NOT NULL,
        "not_before" TEXT NOT NULL,
        "not_after" TEXT NOT NULL,
        "due_at" TEXT NOT NULL,
        "stored_at" TEXT NOT NULL,
        "retired_at" TEXT
    , "key_type" TEXT, "account_url" TEXT, "ari_id" TEXT, "ari_start" TEXT, "ari_end" TEXT, "ari_point" TEXT, "ari_asked_at" TEXT, "ari_next" TEXT, "ari_failures" INTEGER NOT NULL DEFAULT 0, "ari_url" TEXT, "ari_early" INTEGER NOT NULL DEFAULT 0);
INSERT INTO "certificate" VALUES(1,'killed.test','77822b9fedd99526','452b339370ce065127e911948473eb7bfdba29af5ed66f7d95eaa94eb06fdd7d','["killed.test"]','Pebble Intermediate CA 2c4db6','pebble','2026-11-25T20:39:28.000000+00:00','2027-02-23T20:39:27.000000+00:00','2027-01-24T20:39:27.333333+00:00','2026-11-25T20:39:28.025204+00:00','2026-11-25T20:39:54.400915+00:00','ecdsa-p256','https://localhost:14000/my-account/53201e837a596362','oJexRTb_qLx6cHOm9M3n5XR9qAQ.d4Irn-3ZlSY',NULL,NULL,NULL,NULL,'2026-11-25T20:39:28.025204+00:00',0,NULL,0);
INSERT INTO "certificate" VALUES(2,'elsewhere.test','416609fe182e2b04','00a7d9f4af643b8cfdbf3a44b12d010d3119a398289c3dbbcb55e0636fbf5333','["elsewhere.test"]','Pebble Intermediate CA 2c4db6','pebble','2026-11-25T20:39:28.000000+00:00','2027-02-23T20:39:27.000000+00:00','2027-01-24T20:39:27.333333+00:00','2026-11-25T20:39:28.045947+00:00',NULL,'ecdsa-p256','https://localhost:14000/my-account/53201e837a596362','oJexRTb_qLx6cHOm9M3n5XR9qAQ.QWYJ_hguKwQ',NULL,NULL,NULL,NULL,'2026-11-25T20:39:28.045947+00:00',0,NULL,0);
INSERT INTO "certificate" VALUES(3,'killed.test','6f350fc0c4cfd15d','1fa4cb1c3653ac278bc007c7bd6d6b0bb82f2081f728c2be95b3c0acfd8d20b3','["killed.test", "n1.killed.test"]','Pebble Intermediate CA 2c4db6','pebble','2026-11-25T20:39:54.000000+00:00','2027-02-23T20:39:53.000000+00:00','2027-01-24T20:39:53.333333+00:00','2026-11-25T20:39:54.400915+00:00',NULL,'ecdsa-p384','https://localhost:14000/my-account/53201e837a596362','oJexRTb_qLx6cHOm9M3n5XR9qAQ.bzUPwMTP0V0',NULL,NULL,NULL,NULL,'2026-11-25T20:39:54.400915+00:00',0,NULL,0);
CREATE TABLE "dns_record" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "backend" TEXT NOT NULL,
        "zone" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "value" TEXT NOT NULL,
        "purpose" TEXT NOT NULL,
        "provider" TEXT,
        "put_at" TEXT NOT NULL
    );
INSERT INTO "dns_record" VALUES(1,'rfc2136','elsewhere.test','_acme-challenge.elsewhere.test','TXT','pRdxDN6edWvDUfi2LB0FVWEVcOnsbRP1F8yGLraAxA0','challenge',NULL,'2026-11-25T20:40:03.553287+00:00');
INSERT INTO "dns_record" VALUES(2,'rfc2136','elsewhere.test','_acme-challenge.n1.elsewhere.test','TXT','e3d11AvL7ptwCyiPUZQ21bTdNYe-zzHBNoJgqWxqMrU','challenge',NULL,'2026-11-25T20:40:03.559831+00:00');
CREATE TABLE "exclusion" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "account_id" TEXT NOT NULL,
        "name" TEXT NOT NULL, FOREIGN KEY ("account_id") REFERENCES "account" ("name") ON DELETE CASCADE
    );
INSERT INTO "exclusion" VALUES(1,'killed','www.killed.test');
CREATE TABLE "feature_list" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "autossl" INTEGER NOT NULL,
        "service_names" TEXT,
        "wildcard" INTEGER NOT NULL,
        "key_type" TEXT
    );
INSERT INTO "feature_list" VALUES('default',1,NULL,0,NULL);
INSERT INTO "feature_list" VALUES('strong',1,NULL,0,'ecdsa-p384');
CREATE TABLE "message" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "key" TEXT NOT NULL,
        "channel" TEXT NOT NULL,
        "recipient" TEXT NOT NULL,
        "message_id" TEXT NOT NULL,
        "subject" TEXT NOT NULL,
        "content" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "code" TEXT NOT NULL,
        "answer" TEXT NOT NULL,
        "created_at" TEXT NOT NULL,
        "run_after" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "tried_at" TEXT,
        "finished_at" TEXT
    );
CREATE TABLE "package" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "feature_list_id" TEXT NOT NULL,
        FOREIGN KEY ("feature_list_id") REFERENCES "feature_list" ("name") ON DELETE RESTRICT
    );
INSERT INTO "package" VALUES('default','default');
INSERT INTO "package" VALUES('large','strong');
CREATE TABLE "problem" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "website" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "code" TEXT NOT NULL,
        "text" TEXT NOT NULL,
        "since" TEXT NOT NULL,
        "seen_at" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "retry_at" TEXT
    , "report" TEXT, "service" TEXT NOT NULL DEFAULT '', "failures" INTEGER NOT NULL DEFAULT 1);
INSERT INTO "problem" VALUES(1,'elsewhere.test','www.elsewhere.test','guess_unused','www.elsewhere.test does not exist in DNS','2026-11-25T20:39:29.675014+00:00','2026-11-25T20:39:29.675014+00:00',1,'2026-11-26T20:39:29.675014+00:00','{"version":1,"name":"www.elsewhere.test","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"www.elsewhere.test does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(2,'elsewhere.test','mail.elsewhere.test','guess_unused','mail.elsewhere.test does not exist in DNS','2026-11-25T20:39:29.675014+00:00','2026-11-25T20:39:29.675014+00:00',1,'2026-11-26T20:39:29.675014+00:00','{"version":1,"name":"mail.elsewhere.test","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"mail.elsewhere.test does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(4,'killed.test','mail.killed.test','guess_unused','mail.killed.test does not exist in DNS','2026-11-25T20:39:29.675014+00:00','2026-11-25T20:39:29.675014+00:00',1,'2026-11-26T20:39:29.675014+00:00','{"version":1,"name":"mail.killed.test","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"mail.killed.test does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(5,'killed.test','www.n1.killed.test','guess_unused','www.n1.killed.test does not exist in DNS','2026-11-25T20:39:56.366788+00:00','2026-11-25T20:39:56.366788+00:00',1,'2026-11-26T20:39:56.366788+00:00','{"version":1,"name":"www.n1.killed.test","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"www.n1.killed.test does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(6,'killed.test','mail.n1.killed.test','guess_unused','mail.n1.killed.test does not exist in DNS','2026-11-25T20:39:56.366788+00:00','2026-11-25T20:39:56.366788+00:00',1,'2026-11-26T20:39:56.366788+00:00','{"version":1,"name":"mail.n1.killed.test","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"mail.n1.killed.test does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(7,'killed.test','absent.invalid','dns_nxdomain','absent.invalid does not exist in DNS','2026-11-25T20:40:00.921971+00:00','2026-11-25T20:40:00.921971+00:00',1,'2026-11-25T20:41:00.921971+00:00','{"version":1,"name":"absent.invalid","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"absent.invalid does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(8,'killed.test','www.absent.invalid','guess_unused','www.absent.invalid does not exist in DNS','2026-11-25T20:40:00.921971+00:00','2026-11-25T20:40:00.921971+00:00',1,'2026-11-26T20:40:00.921971+00:00','{"version":1,"name":"www.absent.invalid","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"www.absent.invalid does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
INSERT INTO "problem" VALUES(9,'killed.test','mail.absent.invalid','guess_unused','mail.absent.invalid does not exist in DNS','2026-11-25T20:40:00.921971+00:00','2026-11-25T20:40:00.921971+00:00',1,'2026-11-26T20:40:00.921971+00:00','{"version":1,"name":"mail.absent.invalid","dns":{"trail":[],"lookups":[{"kind":"A","state":"nxdomain","addresses":[]},{"kind":"AAAA","state":"nxdomain","addresses":[]}],"trouble":{"code":"dns_nxdomain","text":"mail.absent.invalid does not exist in DNS"}},"walks":[],"caa":null,"by_dns":null,"remarks":[],"cut":false}','',1);
CREATE TABLE "provider" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "plugin" TEXT NOT NULL,
        "options" TEXT NOT NULL,
        "account_url" TEXT,
        "terms_accepted" TEXT,
        "eab_kid" TEXT,
        "current" INTEGER NOT NULL,
        "added_at" TEXT NOT NULL,
        "blocked_until" TEXT
    , "fallback" INTEGER, "contact" TEXT, "terms_seen" TEXT, "former_accounts" TEXT, "persist" TEXT, "account_renewed_at" TEXT, "failures" INTEGER NOT NULL DEFAULT 0, "blocked_since" TEXT, "blocked_code" TEXT, "blocked_text" TEXT);
INSERT INTO "provider" VALUES('pebble','custom','{"title": "pebble", "directory": "https://localhost:14000/dir", "wildcard": false, "ancestor_dcv": false, "http_only": false, "ca_bundle": "/var/lib/pebble/https.pem"}','https://localhost:14000/my-account/53201e837a596362','data:text/plain,Do%20what%20thou%20wilt',NULL,1,'2026-11-25T20:39:22.886933+00:00',NULL,NULL,'admin@bench.test','data:text/plain,Do%20what%20thou%20wilt',NULL,NULL,NULL,0,NULL,NULL,NULL);
CREATE TABLE "queue_entry" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "payload" TEXT NOT NULL,
        "account" TEXT,
        "website" TEXT,
        "provider" TEXT,
        "order_url" TEXT,
        "answer" TEXT NOT NULL,
        "requested_at" TEXT NOT NULL,
        "run_after" TEXT NOT NULL,
        "polled_at" TEXT,
        "heartbeat_at" TEXT,
        "owner" TEXT,
        "attempts" INTEGER NOT NULL,
        "finished_at" TEXT
    );
INSERT INTO "queue_entry" VALUES(1,'check','check:*','done','{"accounts": null, "forced": false}',NULL,NULL,NULL,NULL,'2026-11-25T20:39:26.718Z','2026-11-25T20:39:26.691612+00:00','2026-11-25T20:39:26.691612+00:00',NULL,'2026-11-25T20:39:26.710769+00:00',NULL,1,'2026-11-25T20:39:29.725605+00:00');
INSERT INTO "queue_entry" VALUES(2,'order','order:killed.test','done','{"names": ["killed.test"], "methods": {}, "ancestors": {}}','killed','killed.test','pebble','https://localhost:14000/my-order/ovs13ja4nQA7q58BbU_zi8FA3c6zFNhqLjy3nd75MZs','serial 77822b9fedd99526','2026-11-25T20:39:27.934370+00:00','2026-11-25T20:39:27.934370+00:00',NULL,'2026-11-25T20:39:27.935388+00:00',NULL,0,'2026-11-25T20:39:28.027870+00:00');
INSERT INTO "queue_entry" VALUES(3,'order','order:elsewhere.test','done','{"names": ["elsewhere.test"], "methods": {"elsewhere.test": "dns-01"}, "ancestors": {}}','elsewhere','elsewhere.test','pebble','https://localhost:14000/my-order/2nQDgBpjAR1jiPAhKl0yiWQejhYbLpUl3NaNAuqJEyk','serial 416609fe182e2b04','2026-11-25T20:39:27.929064+00:00','2026-11-25T20:39:27.929064+00:00',NULL,'2026-11-25T20:39:27.943973+00:00',NULL,0,'2026-11-25T20:39:28.047934+00:00');
INSERT INTO "queue_entry" VALUES(4,'check','check:by-hand','queued','{"accounts": ["by-hand"], "forced": false}','by-hand',NULL,NULL,NULL,'','2026-11-25T20:39:31.377724+00:00','2026-11-25T20:39:31.377724+00:00',NULL,NULL,NULL,0,NULL);
INSERT INTO "queue_entry" VALUES(5,'check','check:*','done','{"accounts": null, "forced": false}',NULL,NULL,NULL,NULL,'2026-11-25T20:39:53.133Z','2026-11-25T20:39:53.121164+00:00','2026-11-25T20:39:53.121164+00:00',NULL,'2026-11-25T20:39:53.128219+00:00',NULL,1,'2026-11-25T20:39:56.464935+00:00');
INSERT INTO "queue_entry" VALUES(6,'order','order:killed.test','done','{"names": ["killed.test", "n1.killed.test"], "methods": {}, "ancestors": {}}','killed','killed.test','pebble','https://localhost:14000/my-order/p1dkwiroOCi9vPvnQs3CKN4sj73hQ2bIEwAsRkxcQOw','serial 6f350fc0c4cfd15d','2026-11-25T20:39:54.078418+00:00','2026-11-25T20:39:54.078418+00:00',NULL,'2026-11-25T20:39:54.079565+00:00',NULL,0,'2026-11-25T20:39:54.403262+00:00');
INSERT INTO "queue_entry" VALUES(7,'check','check:*','failed','{"accounts": null, "forced": false}',NULL,NULL,NULL,NULL,'2026-11-25T20:39:59.439Z','2026-11-25T20:39:59.427820+00:00','2026-11-25T20:39:59.427820+00:00',NULL,'2026-11-25T20:39:59.436944+00:00',NULL,1,'2026-11-25T20:40:00.942667+00:00');
INSERT INTO "queue_entry" VALUES(8,'check','check:elsewhere','running','{"accounts": ["elsewhere"], "forced": true}','elsewhere',NULL,NULL,NULL,'2026-11-25T20:40:02.718Z','2026-11-25T20:40:02.702190+00:00','2026-11-25T20:40:02.702190+00:00',NULL,'2026-11-25T20:40:02.713135+00:00','host.test:3274',1,NULL);
INSERT INTO "queue_entry" VALUES(9,'order','order:elsewhere.test','running','{"names": ["elsewhere.test", "n1.elsewhere.test"], "methods": {"elsewhere.test": "dns-01", "n1.elsewhere.test": "dns-01"}, "ancestors": {}}','elsewhere','elsewhere.test','pebble','https://localhost:14000/my-order/JWFfPnNkUxsVVqEfkf_4DlZirE208EZwWHFiARo7tXE','','2026-11-25T20:40:03.526549+00:00','2026-11-25T20:40:03.526549+00:00',NULL,'2026-11-25T20:40:03.527604+00:00','host.test:3274',0,NULL);
CREATE TABLE "reservation" (
        "website" TEXT NOT NULL PRIMARY KEY,
        "provider" TEXT NOT NULL,
        "names" TEXT NOT NULL,
        "units" TEXT NOT NULL,
        "taken_at" TEXT NOT NULL,
        "ordered" INTEGER NOT NULL
    );
INSERT INTO "reservation" VALUES('elsewhere.test','pebble','8ea35b6d234174043c81760a2b0b9393466a4116858c0d47160aab22c4b4b69f','[]','2026-11-25T20:40:03.452606+00:00',1);
CREATE TABLE "revocable" (
        "fingerprint" TEXT NOT NULL PRIMARY KEY,
        "serial" TEXT NOT NULL,
        "url" TEXT NOT NULL,
        "issuer" TEXT NOT NULL,
        "provider" TEXT,
        "not_after" TEXT NOT NULL,
        "next_at" TEXT NOT NULL,
        "failures" INTEGER NOT NULL,
        "revoked_at" TEXT
    );
CREATE TABLE "run" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "start" TEXT NOT NULL,
        "provider" TEXT NOT NULL,
        "scope" TEXT NOT NULL,
        "started_at" TEXT NOT NULL,
        "finished_at" TEXT,
        "result" TEXT NOT NULL,
        "totals" TEXT NOT NULL
    , "done" INTEGER, "total" INTEGER, "current" TEXT, "stop_asked_at" TEXT);
INSERT INTO "run" VALUES(1,'2026-11-25T20:39:26.718Z','pebble','*','2026-11-25T20:39:26.718424+00:00','2026-11-25T20:39:29.720611+00:00','done','{"websites": 2, "kept": 0, "installed": 2, "left alone": 0, "deferred": 0, "waiting": 0, "pending": 0, "stopped": 0, "failed": 0, "left_off": 0}',2,2,'killed',NULL);
INSERT INTO "run" VALUES(2,'2026-11-25T20:39:53.133Z','pebble','*','2026-11-25T20:39:53.133484+00:00','2026-11-25T20:39:56.463065+00:00','done','{"websites": 2, "kept": 1, "installed": 1, "left alone": 0, "deferred": 0, "waiting": 0, "pending": 0, "stopped": 0, "failed": 0, "left_off": 0}',2,2,'killed',NULL);
INSERT INTO "run" VALUES(3,'2026-11-25T20:39:59.439Z','pebble','*','2026-11-25T20:39:59.439136+00:00','2026-11-25T20:40:00.936365+00:00','failed','{"websites": 2, "kept": 1, "installed": 1, "left alone": 0, "deferred": 0, "waiting": 0, "pending": 0, "stopped": 0, "failed": 0, "left_off": 1}',2,2,NULL,NULL);
INSERT INTO "run" VALUES(4,'2026-11-25T20:40:02.718Z','pebble','elsewhere','2026-11-25T20:40:02.718559+00:00',NULL,'running','{}',0,1,'elsewhere',NULL);
CREATE TABLE "run_account" (
        "account" TEXT NOT NULL,
        "run_id" INTEGER NOT NULL,
        PRIMARY KEY ("account", "run_id"),
        FOREIGN KEY ("run_id") REFERENCES "run" ("id") ON DELETE CASCADE
    );
INSERT INTO "run_account" VALUES('elsewhere',4);
CREATE TABLE "schema_migration" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "applied" DATETIME NOT NULL);
INSERT INTO "schema_migration" VALUES(1,'0001_first_tables','2026-11-25 20:39:15.758765');
INSERT INTO "schema_migration" VALUES(2,'0002_progress','2026-11-25 20:39:15.759817');
INSERT INTO "schema_migration" VALUES(3,'0003_people','2026-11-25 20:39:15.761370');
INSERT INTO "schema_migration" VALUES(4,'0004_features','2026-11-25 20:39:15.767190');
INSERT INTO "schema_migration" VALUES(5,'0005_problem_codes','2026-11-25 20:39:15.767531');
INSERT INTO "schema_migration" VALUES(6,'0006_account_lists','2026-11-25 20:39:15.767901');
INSERT INTO "schema_migration" VALUES(7,'0007_provider_choices','2026-11-25 20:39:15.768659');
INSERT INTO "schema_migration" VALUES(8,'0008_overview_and_logs','2026-11-25 20:39:15.769042');
INSERT INTO "schema_migration" VALUES(9,'0009_names_and_queue','2026-11-25 20:39:15.777863');
INSERT INTO "schema_migration" VALUES(10,'0010_dns','2026-11-25 20:39:15.779075');
INSERT INTO "schema_migration" VALUES(11,'0012_ledger','2026-11-25 20:39:15.779514');
INSERT INTO "schema_migration" VALUES(12,'0013_renewal_windows','2026-11-25 20:39:15.786120');
INSERT INTO "schema_migration" VALUES(13,'0014_served','2026-11-25 20:39:15.787999');
INSERT INTO "schema_migration" VALUES(14,'0015_outbox','2026-11-25 20:39:15.791175');
INSERT INTO "schema_migration" VALUES(15,'0017_provider_pauses','2026-11-25 20:39:15.792608');
INSERT INTO "schema_migration" VALUES(16,'0018_near_ends','2026-11-25 20:39:15.793021');
CREATE TABLE "service_state" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "website" TEXT NOT NULL,
        "service" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "text" TEXT NOT NULL,
        "fingerprint" TEXT,
        "checked_at" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "retry_at" TEXT
    , "presented" TEXT, "served_at" TEXT, "served_state" TEXT, "served_fingerprint" TEXT, "differs_since" TEXT, "reloaded_at" TEXT);
INSERT INTO "service_state" VALUES(1,'elsewhere.test','apache','installed','1 name on port 443',NULL,'2026-11-25T20:40:00.921971+00:00',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(2,'killed.test','apache','installed','2 names on port 443',NULL,'2026-11-25T20:40:00.921971+00:00',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(3,'elsewhere.test','dovecot','installed','1 name on port 143, 993',NULL,'2026-11-25T20:40:00.921971+00:00',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(4,'killed.test','dovecot','installed','2 names on port 143, 993',NULL,'2026-11-25T20:40:00.921971+00:00',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(5,'elsewhere.test','exim','installed','1 name on port 25, 465',NULL,'2026-11-25T20:40:00.921971+00:00',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(6,'killed.test','exim','installed','2 names on port 25, 465',NULL,'2026-11-25T20:40:00.921971+00:00',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(7,'elsewhere.test','panel','waiting','it is not running; it will present the certificate when it starts',NULL,'2026-11-25T20:40:00.921971+00:00',1,'2026-11-25T20:40:29.675014+00:00',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "service_state" VALUES(8,'killed.test','panel','waiting','it is not running; it will present the certificate when it starts',NULL,'2026-11-25T20:40:00.921971+00:00',2,'2026-11-25T20:49:56.366788+00:00',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "session" (
        "hash" TEXT NOT NULL PRIMARY KEY,
        "user_id" INTEGER,
        "data" TEXT NOT NULL,
        "address" TEXT NOT NULL,
        "agent" TEXT NOT NULL,
        "created_at" TEXT NOT NULL,
        "seen_at" TEXT NOT NULL,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    );
CREATE TABLE "setting" (
        "key" TEXT NOT NULL PRIMARY KEY,
        "value" TEXT NOT NULL
    );
INSERT INTO "setting" VALUES('options.dns_backends.rfc2136','{"server": "127.0.0.1", "zones": ["killed.test", "elsewhere.test"], "key_name": "autossl"}');
INSERT INTO "setting" VALUES('domain_owners','{"elsewhere.test": "elsewhere"}');
INSERT INTO "setting" VALUES('options.notifiers.sendmail','{"enabled": true}');
INSERT INTO "setting" VALUES('options','{"admin_addresses": ["killed@killed.test"]}');
CREATE TABLE "setup_file" (
        "path" TEXT NOT NULL PRIMARY KEY,
        "service" TEXT NOT NULL,
        "existed" INTEGER NOT NULL,
        "link" TEXT,
        "backup" TEXT,
        "mode" INTEGER NOT NULL,
        "uid" INTEGER NOT NULL,
        "gid" INTEGER NOT NULL,
        "written_sha256" TEXT NOT NULL,
        "changed_at" TEXT NOT NULL
    );
INSERT INTO "setup_file" VALUES('/etc/apache2/mods-enabled/lua.load','apache',0,NULL,NULL,420,0,0,'link:../mods-available/lua.load','2026-11-25T20:39:18.634147+00:00');
INSERT INTO "setup_file" VALUES('/etc/apache2/autossl-http-01.lua','apache',0,NULL,NULL,420,0,0,'463b896427adc420f961cabf2ccadd778bd7fa70a3b3c5543d52ffe268a2b60e','2026-11-25T20:39:18.634928+00:00');
INSERT INTO "setup_file" VALUES('/etc/apache2/conf-enabled/autossl.conf','apache',0,NULL,NULL,420,0,0,'64846bf41d139ded1480d67372fe030524b9b4ab8e242ada723dfcdebc920190','2026-11-25T20:39:18.635369+00:00');
INSERT INTO "setup_file" VALUES('/etc/exim4/exim4.conf.localmacros','exim',1,NULL,'1e66b759a2bd6670-exim4.conf.localmacros',420,0,0,'36bc4f2f3a2f772893f8edaa9dc3eb7c9accdb8dc0194d14f1ff7d305b97716b','2026-11-25T20:39:19.428902+00:00');
INSERT INTO "setup_file" VALUES('/etc/nginx/snippets/autossl-challenge.conf','nginx',0,NULL,NULL,420,0,0,'ef852d364e072fd7f3eec68c59eb0893ed7420df954647b12246458c5ac41b3b','2026-11-25T20:39:19.898461+00:00');
INSERT INTO "setup_file" VALUES('/etc/nginx/nginx.conf','nginx',1,NULL,'08cdfcae237f26e4-nginx.conf',420,0,0,'0a46e79b6fe32caab5d7a7848cc8dab2322a3755a762adab3814f0d6f786fa02','2026-11-25T20:39:19.899196+00:00');
INSERT INTO "setup_file" VALUES('/etc/nginx/sites-available/default','nginx',1,NULL,'0c9625bc44677152-default',420,0,0,'d1721a217701c5b13739116a0af536e1dc04438bd609d95638b36ae71dbb8b5f','2026-11-25T20:39:19.899784+00:00');
INSERT INTO "setup_file" VALUES('/etc/apache2/sites-enabled/zz-autossl-elsewhere.test.conf','apache',0,NULL,NULL,420,0,0,'4c6cc20468c5a6775f798a12eb776c61f2543fab8bfe66387267065eab10eadd','2026-11-25T20:39:28.183573+00:00');
INSERT INTO "setup_file" VALUES('/etc/apache2/sites-enabled/zz-autossl-killed.test.conf','apache',0,NULL,NULL,420,0,0,'9a401b3c63e34d089124f7df569e37d217a46149716705babd5590abf03f1f40
eae3e5225491323f1b159e77efe6136a655e02035e56594f79b3d031b85abf59','2026-11-25T20:40:00.607216+00:00');
INSERT INTO "setup_file" VALUES('/etc/dovecot/conf.d/99-autossl.conf','dovecot',0,NULL,NULL,420,0,0,'75b83e5701866ab2f830f1580dccf4cfed0a0a2ad767c588c3977fb7f9e00ea9
b2b4ec638e89b84eca9f9f1cd1e1a62f5b687033243f7860307407cb2a955d0d','2026-11-25T20:39:54.982943+00:00');
CREATE TABLE "setup_link" (
        "hash" TEXT NOT NULL PRIMARY KEY,
        "user_id" INTEGER NOT NULL,
        "expires_at" TEXT NOT NULL,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    );
INSERT INTO "setup_link" VALUES('a1538e6ad594bd0799a160e5004a396179062e8fa01af920f2a258f6c74371c9',5,'2026-11-26T20:39:50.320189+00:00');
CREATE TABLE "token" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "user_id" INTEGER NOT NULL,
        "label" TEXT NOT NULL,
        "prefix" TEXT NOT NULL,
        "hash" TEXT NOT NULL,
        "scope" TEXT NOT NULL,
        "account" TEXT,
        "created_at" TEXT NOT NULL,
        "expires_at" TEXT NOT NULL,
        "used_at" TEXT,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    );
INSERT INTO "token" VALUES(1,1,'a script','43563895cccb','e89e2d2555f3f4a49aba3e616bf21c7aefd320e27ce43d9ac3946a2146c53b9c','check',NULL,'2026-11-25T20:39:41.032565+00:00','2027-02-23T20:39:41.032565+00:00',NULL);
CREATE TABLE "told" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "recipient" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "content" TEXT NOT NULL,
        "told_at" TEXT NOT NULL,
        "gone_at" TEXT
    );
CREATE TABLE "user" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "password" TEXT,
        "role" TEXT NOT NULL,
        "account" TEXT,
        "totp_secret" TEXT, "totp_step" INTEGER, "contact" TEXT);
INSERT INTO "user" VALUES(1,'admin','scrypt:32768:8:3$heWX67OmsOV1zpeo$3dcb5e3c1ce4b211997070e4838e1f602c196063e49151266d60eb595bb05c8c8e452f7440c3f6966de4b92170ea9b9c36f03eb37cfba8b067319886971ece2c','admin',NULL,NULL,NULL,NULL);
INSERT INTO "user" VALUES(2,'rita','scrypt:32768:8:3$3Qgp983k0JEEoV3I$54e6210c1b3377bf485d675fce082098ee7c71f5a35b686981ef0ff7002e707830baa81cc7d839ceb487a22422d8cc4490fa693667746e9bcc0222e21e4bdcbf','reseller',NULL,NULL,NULL,'rita@reseller.test');
INSERT INTO "user" VALUES(3,'owner','scrypt:32768:8:3$RnvPODUjym5LpRS3$69580467e82b7721fc71409c7828c1e9f9074290213a07fc7f6c57277cddc1a87e90c8c378b442bbb20430910baca0d291957aa784da99a6c2542efe7a038b13','user','killed',NULL,NULL,NULL);
INSERT INTO "user" VALUES(4,'second','scrypt:32768:8:3$0NCkhN5kga8K0N3w$22ab8fb6cdc1ca852f0541189384ec1089b0f69c53e1936ddacca8f9ad8634bc15dfaf2e4db4a043195f6e801423202c082d8d044abc3cdd35ca5ec324b3cae9','admin',NULL,'6FRY6GN3JLVF6BQTNHOT6J47YWOFZ3UC',59854640,NULL);
INSERT INTO "user" VALUES(5,'invited',NULL,'user','by-hand',NULL,NULL,NULL);
CREATE TABLE "website" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "account_id" TEXT NOT NULL,
        "main" TEXT NOT NULL,
        "names" TEXT NOT NULL,
        "rejected" TEXT NOT NULL,
        "docroot" TEXT,
        "source" TEXT NOT NULL,
        "file" TEXT,
        "line" INTEGER,
        "found_at" TEXT NOT NULL,
        "gone_at" TEXT, "part_of" TEXT, FOREIGN KEY ("account_id") REFERENCES "account" ("name") ON DELETE CASCADE
    );
INSERT INTO "website" VALUES(1,'elsewhere','elsewhere.test','["elsewhere.test", "n1.elsewhere.test"]','[]','/home/elsewhere/public_html','apache','/etc/apache2/sites-enabled/bench-elsewhere.test.conf',1,'2026-11-25T20:39:20.960864+00:00',NULL,NULL);
INSERT INTO "website" VALUES(2,'killed','killed.test','["killed.test", "n1.killed.test", "absent.invalid"]','[]','/home/killed/public_html','apache','/etc/apache2/sites-enabled/bench-killed.test.conf',1,'2026-11-25T20:39:20.960864+00:00',NULL,NULL);
INSERT INTO "website" VALUES(3,'by-hand','nowhere.invalid','["nowhere.invalid"]','[]',NULL,'manifest','/var/lib/autossl/sites.d/by-hand.toml',NULL,'2026-11-25T20:39:31.360899+00:00',NULL,NULL);
CREATE UNIQUE INDEX "schema_migration_name" ON "schema_migration" ("name");
CREATE INDEX "certificate_website" ON "certificate" ("website");
CREATE UNIQUE INDEX "certificate_fingerprint" ON "certificate" ("fingerprint");
CREATE INDEX "certificate_due_at" ON "certificate" ("due_at");
CREATE INDEX "exclusion_account_id" ON "exclusion" ("account_id");
CREATE UNIQUE INDEX "exclusion_account_id_name" ON "exclusion" ("account_id", "name");
CREATE INDEX "queue_entry_key" ON "queue_entry" ("key");
CREATE UNIQUE INDEX "run_start" ON "run" ("start");
CREATE UNIQUE INDEX "service_state_website_service" ON "service_state" ("website", "service");
CREATE UNIQUE INDEX "user_name" ON "user" ("name");
CREATE INDEX "website_account_id" ON "website" ("account_id");
CREATE UNIQUE INDEX "website_main" ON "website" ("main");
CREATE UNIQUE INDEX "queue_entry_active_key" ON "queue_entry" ("key") WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX "run_finished_at" ON "run" ("finished_at");
CREATE INDEX "queue_entry_state_run_after" ON "queue_entry" ("state", "run_after");
CREATE INDEX "problem_retry_at" ON "problem" ("retry_at");
CREATE INDEX "service_state_retry_at" ON "service_state" ("retry_at");
CREATE INDEX "user_account" ON "user" ("account");
CREATE INDEX "account_reseller" ON "account" ("reseller");
CREATE INDEX "session_user_id" ON "session" ("user_id");
CREATE INDEX "session_seen_at" ON "session" ("seen_at");
CREATE INDEX "backup_code_user_id" ON "backup_code" ("user_id");
CREATE UNIQUE INDEX "backup_code_user_id_hash" ON "backup_code" ("user_id", "hash");
CREATE INDEX "setup_link_user_id" ON "setup_link" ("user_id");
CREATE INDEX "token_user_id" ON "token" ("user_id");
CREATE UNIQUE INDEX "token_prefix" ON "token" ("prefix");
CREATE INDEX "attempt_user_id" ON "attempt" ("user_id");
CREATE INDEX "attempt_changed_at" ON "attempt" ("changed_at");
CREATE INDEX "audit_entry_at" ON "audit_entry" ("at");
CREATE INDEX "package_feature_list_id" ON "package" ("feature_list_id");
CREATE INDEX "problem_code" ON "problem" ("code");
CREATE INDEX "account_gone_at_name" ON "account" ("gone_at", "name");
CREATE INDEX "account_gone_at_state_name" ON "account" ("gone_at", "state", "name");
CREATE INDEX "account_gone_at_package_name" ON "account" ("gone_at", "package", "name");
CREATE INDEX "account_gone_at_override_name" ON "account" ("gone_at", "override", "name");
CREATE INDEX "account_gone_at_problems_name" ON "account" ("gone_at", "problems", "name");
CREATE INDEX "account_gone_at_expires_at_name" ON "account" ("gone_at", "expires_at", "name");
CREATE INDEX "account_gone_at_coverage_name" ON "account" ("gone_at", CAST("covered" AS REAL) / "wanted", "name");
CREATE INDEX "queue_entry_provider_kind_state_finished_at" ON "queue_entry" ("provider", "kind", "state", "finished_at");
CREATE INDEX "account_gone_at_wanted_covered_name" ON "account" ("gone_at", "wanted", "covered", "name");
CREATE INDEX "website_gone_at_main" ON "website" ("gone_at", "main");
CREATE INDEX "certificate_retired_at_not_after_website" ON "certificate" ("retired_at", "not_after", "website");
CREATE INDEX "service_state_state_service_website" ON "service_state" ("state", "service", "website");
CREATE INDEX "problem_real" ON "problem" ("code", "since", "website") WHERE code <> 'guess_unused';
CREATE INDEX "run_account_run_id" ON "run_account" ("run_id");
CREATE INDEX "queue_entry_account" ON "queue_entry" ("account");
CREATE INDEX "queue_entry_finished_at" ON "queue_entry" ("finished_at");
CREATE INDEX "website_part_of" ON "website" ("part_of");
CREATE UNIQUE INDEX "dns_record_name_kind_value" ON "dns_record" ("name", "kind", "value");
CREATE INDEX "dns_record_purpose_put_at" ON "dns_record" ("purpose", "put_at");
CREATE INDEX "budget_provider_full_at" ON "budget" ("provider", "full_at");
CREATE INDEX "certificate_retired_at_ari_next" ON "certificate" ("retired_at", "ari_next");
CREATE INDEX "certificate_retired_at_ari_early_ari_url" ON "certificate" ("retired_at", "ari_early", "ari_url");
CREATE INDEX "revocable_url" ON "revocable" ("url");
CREATE INDEX "revocable_not_after" ON "revocable" ("not_after");
CREATE INDEX "revocable_next_at" ON "revocable" ("next_at");
CREATE INDEX "revocable_revoked_at" ON "revocable" ("revoked_at");
CREATE INDEX "service_state_served_state" ON "service_state" ("served_state");
CREATE INDEX "service_state_state_served_at" ON "service_state" ("state", "served_at");
CREATE UNIQUE INDEX "problem_website_name_service" ON "problem" ("website", "name", "service");
CREATE UNIQUE INDEX "message_key" ON "message" ("key");
CREATE INDEX "message_state_run_after" ON "message" ("state", "run_after");
CREATE INDEX "message_state_finished_at" ON "message" ("state", "finished_at");
CREATE INDEX "told_told_at" ON "told" ("told_at");
CREATE UNIQUE INDEX "told_recipient_key_content" ON "told" ("recipient", "key", "content");
CREATE INDEX "told_key_gone_at" ON "told" ("key", "gone_at");
COMMIT;

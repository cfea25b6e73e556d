-- The tables of gammu-smsd, schema 17, as its daemon 1.42 asks for them, in InnoDB. The package has its own
-- in /usr/share/doc/gammu-smsd/examples/mysql.sql, which small systems leave out.
CREATE TABLE gammu (Version INT NOT NULL DEFAULT 0 PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO gammu VALUES (17);

CREATE TABLE inbox (
 ID INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
 UpdatedInDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
 ReceivingDateTime TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 Text TEXT NOT NULL,
 SenderNumber VARCHAR(20) NOT NULL DEFAULT '',
 Coding ENUM('Default_No_Compression', 'Unicode_No_Compression', '8bit', 'Default_Compression', 'Unicode_Compression')
  NOT NULL DEFAULT 'Default_No_Compression',
 UDH TEXT NOT NULL,
 SMSCNumber VARCHAR(20) NOT NULL DEFAULT '',
 Class INT NOT NULL DEFAULT -1,
 TextDecoded TEXT NOT NULL,
 RecipientID TEXT NOT NULL,
 Processed ENUM('false', 'true') NOT NULL DEFAULT 'false',
 Status INT NOT NULL DEFAULT -1
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE outbox (
 ID INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
 UpdatedInDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
 InsertIntoDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 SendingDateTime TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 SendBefore TIME NOT NULL DEFAULT '23:59:59',
 SendAfter TIME NOT NULL DEFAULT '00:00:00',
 Text TEXT,
 DestinationNumber VARCHAR(20) NOT NULL DEFAULT '',
 Coding ENUM('Default_No_Compression', 'Unicode_No_Compression', '8bit', 'Default_Compression', 'Unicode_Compression')
  NOT NULL DEFAULT 'Default_No_Compression',
 UDH TEXT,
 Class INT DEFAULT -1,
 TextDecoded TEXT NOT NULL,
 MultiPart ENUM('false', 'true') DEFAULT 'false',
 RelativeValidity INT DEFAULT -1,
 SenderID VARCHAR(255),
 SendingTimeOut TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
 DeliveryReport ENUM('default', 'yes', 'no') DEFAULT 'default',
 CreatorID TEXT NOT NULL,
 Retries INT DEFAULT 0,
 Priority INT DEFAULT 0,
 Status ENUM('SendingOK', 'SendingOKNoReport', 'SendingError', 'DeliveryOK', 'DeliveryFailed', 'DeliveryPending',
  'DeliveryUnknown', 'Error', 'Reserved') NOT NULL DEFAULT 'Reserved',
 StatusCode INT NOT NULL DEFAULT -1,
 KEY outbox_date (SendingDateTime, SendingTimeOut),
 KEY outbox_sender (SenderID(250))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE outbox_multipart (
 ID INT UNSIGNED NOT NULL DEFAULT 0,
 SequencePosition INT NOT NULL DEFAULT 1,
 Text TEXT,
 Coding ENUM('Default_No_Compression', 'Unicode_No_Compression', '8bit', 'Default_Compression', 'Unicode_Compression')
  NOT NULL DEFAULT 'Default_No_Compression',
 UDH TEXT,
 Class INT DEFAULT -1,
 TextDecoded TEXT,
 Status ENUM('SendingOK', 'SendingOKNoReport', 'SendingError', 'DeliveryOK', 'DeliveryFailed', 'DeliveryPending',
  'DeliveryUnknown', 'Error', 'Reserved') NOT NULL DEFAULT 'Reserved',
 StatusCode INT NOT NULL DEFAULT -1,
 PRIMARY KEY (ID, SequencePosition)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE phones (
 ID TEXT NOT NULL,
 UpdatedInDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
 InsertIntoDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 TimeOut TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 Send ENUM('yes', 'no') NOT NULL DEFAULT 'no',
 Receive ENUM('yes', 'no') NOT NULL DEFAULT 'no',
 IMEI VARCHAR(35) NOT NULL PRIMARY KEY,
 IMSI VARCHAR(35) NOT NULL,
 NetCode VARCHAR(10) DEFAULT 'ERROR',
 NetName VARCHAR(35) DEFAULT 'ERROR',
 Client TEXT NOT NULL,
 Battery INT NOT NULL DEFAULT -1,
 `Signal` INT NOT NULL DEFAULT -1,
 Sent INT NOT NULL DEFAULT 0,
 Received INT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE sentitems (
 ID INT UNSIGNED NOT NULL DEFAULT 0,
 SequencePosition INT NOT NULL DEFAULT 1,
 UpdatedInDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
 InsertIntoDB TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 SendingDateTime TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
 DeliveryDateTime TIMESTAMP NULL,
 Text TEXT NOT NULL,
 DestinationNumber VARCHAR(20) NOT NULL DEFAULT '',
 Coding ENUM('Default_No_Compression', 'Unicode_No_Compression', '8bit', 'Default_Compression', 'Unicode_Compression')
  NOT NULL DEFAULT 'Default_No_Compression',
 UDH TEXT NOT NULL,
 SMSCNumber VARCHAR(20) NOT NULL DEFAULT '',
 Class INT NOT NULL DEFAULT -1,
 TextDecoded TEXT NOT NULL,
 SenderID VARCHAR(255) NOT NULL,
 Status ENUM('SendingOK', 'SendingOKNoReport', 'SendingError', 'DeliveryOK', 'DeliveryFailed', 'DeliveryPending',
  'DeliveryUnknown', 'Error') NOT NULL DEFAULT 'SendingOK',
 StatusError INT NOT NULL DEFAULT -1,
 TPMR INT NOT NULL DEFAULT -1,
 RelativeValidity INT NOT NULL DEFAULT -1,
 CreatorID TEXT NOT NULL,
 StatusCode INT NOT NULL DEFAULT -1,
 PRIMARY KEY (ID, SequencePosition),
 KEY sentitems_date (DeliveryDateTime),
 KEY sentitems_tpmr (TPMR),
 KEY sentitems_dest (DestinationNumber),
 KEY sentitems_sender (SenderID(250))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

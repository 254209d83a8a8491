use super::*;

#[test]
fn names_are_taken_from_the_servers_text_and_values_are_not() {
    for (number, message, expected) in [
        (
            2627,
            "Violation of PRIMARY KEY constraint 'PK_orders'. Cannot insert duplicate key in object 'dbo.orders'. The duplicate key value is (secret, in object 'x').",
            "a row with this value of key `PK_orders` of table `dbo.orders` is there already",
        ),
        (
            2601,
            "Cannot insert duplicate key row in object 'dbo.orders' with unique index 'ux'. The duplicate key value is (secret).",
            "a row with this value of key `ux` of table `dbo.orders` is there already",
        ),
        (
            515,
            "Cannot insert the value NULL into column 'name', table 'shop.dbo.orders'; column does not allow nulls. INSERT fails.",
            "column `name` of table `shop.dbo.orders` cannot be NULL",
        ),
        (
            547,
            "The INSERT statement conflicted with the FOREIGN KEY constraint \"FK_a\". The conflict occurred in database \"shop\", table \"dbo.a\", column 'id'.",
            "the row that a foreign key refers to is not there: constraint `FK_a` of table `dbo.a`",
        ),
        (
            547,
            "The DELETE statement conflicted with the REFERENCE constraint \"FK_a\". The conflict occurred in database \"shop\", table \"dbo.b\", column 'a'.",
            "rows of another table refer to the row: constraint `FK_a` of table `dbo.b`",
        ),
        (
            547,
            "The INSERT statement conflicted with the CHECK constraint \"positive\". The conflict occurred in database \"shop\", table \"dbo.a\", column 'n'.",
            "a constraint refuses a value: constraint `positive` of table `dbo.a`",
        ),
        (
            2628,
            "String or binary data would be truncated in table 'shop.dbo.orders', column 'note'. Truncated value: 'secret, column 'x'.",
            "a value is too long for column `note` of table `shop.dbo.orders`",
        ),
        (
            8152,
            "String or binary data would be truncated.",
            "a value is too long for a column",
        ),
        (
            245,
            "Conversion failed when converting the nvarchar value 'secret to data type x' to data type int.",
            "a value cannot be read as int",
        ),
        (
            8114,
            "Error converting data type nvarchar to numeric.",
            "a value cannot be read as nvarchar",
        ),
        (
            220,
            "Arithmetic overflow error for data type tinyint, value = 918273645.",
            "a value is out of the range of tinyint",
        ),
        (
            8115,
            "Arithmetic overflow error converting expression to data type int.",
            "a value is out of the range of int",
        ),
        (
            4863,
            "Bulk load data conversion error (truncation) for row 3, column 2 (note).",
            "a value does not fit column `note`",
        ),
        (
            4867,
            "Bulk load data conversion error (overflow) for row 3, column 2 (note).",
            "a value does not fit column `note`",
        ),
        (
            4869,
            "The bulk load failed. Unexpected NULL value in data file row 3, column 2. The destination column (note) is defined as NOT NULL.",
            "column `note` cannot be NULL",
        ),
        (50_001, "secret", "a trigger or a procedure refuses the row"),
        (
            9420,
            "XML parsing: line 1, character 7, illegal secret",
            "a value is not XML as its column takes it",
        ),
        (206, "secret", "a value does not fit its column"),
    ] {
        assert_eq!(data(number, message), expected);
    }
}

#[test]
fn the_drivers_own_errors_have_their_kinds_and_hide_values() {
    let io = |kind| DriverError::Io {
        kind,
        message: "cause".to_owned(),
    };
    for (cause, kind) in [
        (io(io::ErrorKind::ConnectionReset), ErrorKind::Connect),
        (io(io::ErrorKind::UnexpectedEof), ErrorKind::Connect),
        (io(io::ErrorKind::TimedOut), ErrorKind::Timeout),
        (io(io::ErrorKind::InvalidData), ErrorKind::Config),
        (DriverError::Tls("no".to_owned()), ErrorKind::Config),
        (
            DriverError::Protocol("Server does not allow the requested encryption level.".into()),
            ErrorKind::Config,
        ),
        (
            DriverError::Protocol("nvarchar: invalid UTF-16 sequence".into()),
            ErrorKind::Data,
        ),
        (DriverError::Utf16, ErrorKind::Data),
        (DriverError::Protocol("else".into()), ErrorKind::Connect),
        (
            DriverError::BulkInput("found hunter2".into()),
            ErrorKind::Internal,
        ),
    ] {
        let error = error("insert into table t", cause);
        assert_eq!(error.kind(), kind, "{}", error.report());
        assert!(!error.report().contains("hunter2"));
    }
}

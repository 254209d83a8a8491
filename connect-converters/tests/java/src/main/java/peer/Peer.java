package peer;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import com.alibaba.fastjson.util.TypeUtils;
import io.openmessaging.connector.api.data.Field;
import io.openmessaging.connector.api.data.Schema;
import io.openmessaging.connector.api.data.SchemaBuilder;
import io.openmessaging.connector.api.data.Struct;
import io.openmessaging.connector.api.data.logical.Date;
import io.openmessaging.connector.api.data.logical.Decimal;
import io.openmessaging.connector.api.data.logical.Time;
import io.openmessaging.connector.api.data.logical.Timestamp;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * Takes bodies, one a line, as the JsonConverter of the Java original takes them (the same parser,
 * the same casts, the same checks of Struct), and reports how its JDBC sink would bind each value.
 * With the argument `write` it writes one row of each type instead.
 */
public final class Peer {
    private Peer() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        if (args.length == 1 && args[0].equals("write")) {
            write(out);
        } else {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                try {
                    out.println(read(line));
                } catch (Exception e) {
                    out.println("REFUSED " + e);
                }
            }
        }
        out.flush();
    }

    private static String read(String body) {
        JSONObject envelope = (JSONObject) JSON.parse(body);
        JSONObject declared = (JSONObject) envelope.get("schema");
        Schema schema = declared == null ? null : schema(declared);
        Object row = value(schema, envelope.get("payload"));
        if (row == null) {
            return "DELETE";
        }
        Struct struct = (Struct) row;
        List<String> bound = new ArrayList<>();
        for (Field field : struct.schema().getFields()) {
            bound.add(field.getName() + "=" + bind(field.getSchema(), struct.get(field)));
        }
        return schema.getName() + " " + String.join("|", bound);
    }

    private static Schema schema(JSONObject declared) {
        SchemaBuilder builder;
        switch (declared.getString("type")) {
            case "boolean":
                builder = SchemaBuilder.bool();
                break;
            case "int8":
                builder = SchemaBuilder.int8();
                break;
            case "int16":
                builder = SchemaBuilder.int16();
                break;
            case "int32":
                builder = SchemaBuilder.int32();
                break;
            case "int64":
                builder = SchemaBuilder.int64();
                break;
            case "float":
                builder = SchemaBuilder.float32();
                break;
            case "double":
                builder = SchemaBuilder.float64();
                break;
            case "bytes":
                builder = SchemaBuilder.bytes();
                break;
            case "string":
                builder = SchemaBuilder.string();
                break;
            case "array":
                builder = SchemaBuilder.array(schema(declared.getJSONObject("items")));
                break;
            case "map":
                Schema keys = schema(declared.getJSONObject("keys"));
                builder = SchemaBuilder.map(keys, schema(declared.getJSONObject("values")));
                break;
            case "struct":
                builder = SchemaBuilder.struct();
                for (Object field : declared.getJSONArray("fields")) {
                    JSONObject of = (JSONObject) field;
                    builder.field(of.getString("field"), schema(of));
                }
                break;
            default:
                throw new IllegalArgumentException("type " + declared.getString("type"));
        }
        Boolean optional = declared.getBoolean("optional");
        if (optional != null && optional) {
            builder.optional();
        }
        builder.name(declared.getString("name"));
        if (declared.get("version") instanceof Integer) {
            builder.version(declared.getInteger("version"));
        }
        JSONObject parameters = declared.getJSONObject("parameters");
        if (parameters != null) {
            parameters.forEach((key, value) -> builder.parameter(key, String.valueOf(value)));
        }
        Object standard = declared.get("default");
        if (standard != null) {
            builder.defaultValue(value(builder.build(), standard));
        }
        return builder.build();
    }

    private static Object value(Schema schema, Object value) {
        if (schema == null) {
            return value;
        }
        if (value == null) {
            if (schema.getDefaultValue() != null) {
                return schema.getDefaultValue();
            }
            if (schema.isOptional()) {
                return null;
            }
            throw new IllegalArgumentException("null in a required field");
        }
        String name = String.valueOf(schema.getName());
        if (name.equals(Decimal.LOGICAL_NAME)) {
            if (value instanceof BigDecimal) {
                return value;
            }
            return Decimal.toLogical(schema, TypeUtils.castToBytes((String) value));
        }
        if (name.equals(Date.LOGICAL_NAME)) {
            return Date.toLogical(schema, (Integer) value);
        }
        if (name.equals(Time.LOGICAL_NAME)) {
            return Time.toLogical(schema, (Integer) value);
        }
        if (name.equals(Timestamp.LOGICAL_NAME)) {
            return Timestamp.toLogical(schema, Long.parseLong(((Number) value).toString()));
        }
        switch (schema.getFieldType()) {
            case BOOLEAN:
                return Boolean.valueOf(value.toString());
            case INT8:
                return Byte.valueOf(value.toString());
            case INT16:
                return Short.valueOf(value.toString());
            case INT32:
                return Integer.valueOf(value.toString());
            case INT64:
                return Long.valueOf(value.toString());
            case FLOAT32:
                return (Float) value;
            case FLOAT64:
                if (value instanceof BigDecimal) {
                    return Double.parseDouble(value.toString());
                }
                return (Double) value;
            case BYTES:
                return TypeUtils.castToBytes((String) value);
            case STRING:
                return String.valueOf(value);
            case ARRAY:
                List<Object> elements = new ArrayList<>();
                for (Object element : (JSONArray) value) {
                    elements.add(value(schema.getValueSchema(), element));
                }
                return elements;
            case STRUCT:
                Struct struct = new Struct(schema);
                for (Field field : schema.getFields()) {
                    Object part = ((JSONObject) value).get(field.getName());
                    struct.put(field, value(field.getSchema(), part));
                }
                return struct;
            default:
                throw new IllegalArgumentException("type " + schema.getFieldType());
        }
    }

    private static String bind(Schema schema, Object value) {
        if (value == null) {
            return "null";
        }
        if (value instanceof java.util.Date) {
            return schema.getName().replaceAll(".*\\.", "") + ":" + ((java.util.Date) value).getTime();
        }
        if (value instanceof BigDecimal) {
            return "Decimal:" + ((BigDecimal) value).toPlainString();
        }
        switch (schema.getFieldType()) {
            case INT8:
            case INT32:
            case INT64:
            case FLOAT32:
            case FLOAT64:
            case BOOLEAN:
            case STRING:
                return value.getClass().getSimpleName() + ":" + value;
            case BYTES:
                return "bytes:" + Base64.getEncoder().encodeToString((byte[]) value);
            default:
                return "UNBOUND:" + schema.getFieldType();
        }
    }

    /** A row of each logical type, with its schema and without. */
    private static void write(PrintStream out) {
        java.util.Date instant = new java.util.Date(1717245296123L);
        java.util.Date day = new java.util.Date(1717200000000L);
        java.util.Date time = new java.util.Date(45296123L);
        JSONObject row = new JSONObject(new LinkedHashMap<>());
        row.put("id", 7L);
        row.put("at", Timestamp.fromLogical(SchemaBuilder.timestamp().build(), instant));
        row.put("day", Date.fromLogical(SchemaBuilder.date().build(), day));
        // SchemaBuilder.time() makes a Timestamp.
        row.put("clock", Time.fromLogical(Time.builder().build(), time));
        Schema decimal = SchemaBuilder.decimal(2).build();
        row.put("price", Decimal.fromLogical(decimal, new BigDecimal("99.90")));
        out.println(text(row));
        out.println(text(null));
        JSONObject nothing = new JSONObject(new LinkedHashMap<>());
        nothing.put("schema", null);
        nothing.put("payload", null);
        out.println(text(nothing));
    }

    private static String text(Object json) {
        return JSON.toJSONString(
            json, SerializerFeature.DisableCircularReferenceDetect, SerializerFeature.WriteMapNullValue);
    }
}

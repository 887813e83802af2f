export interface StrictObject {
    readonly value: Readonly<Record<string, unknown>>;
    /**
     * Every string in it is printable ASCII: JSON forbids raw C0 controls in strings, and the text has no escape, no DEL and
     * no byte above. Spares a look at each claim.
     */
    readonly plain: boolean;
}
/**
 * Parses one JSON object. Refuses (undefined) bad UTF-8, a byte order mark, anything but an object, nesting deeper than
 * 16, and duplicate member names at any depth.
 * RFC 7515 §4: "Header Parameter names within the JOSE Header MUST be unique"; RFC 7519 §4 says the same of claims.
 */
export declare const parseStrictObject: (bytes: Buffer) => StrictObject | undefined;

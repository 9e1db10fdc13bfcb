// H.264 pictures made of two fields, which no encoder here writes: each field one macroblock of
// I_PCM, so that no more than the headers has to be coded. Clauses are those of H.264 (08/2021).

/** Bits, the first the most significant. */
class Bits {
  #bits = "";
  u(count, value) {
    this.#bits += value.toString(2).padStart(count, "0");
    return this;
  }
  /** Unsigned Exp-Golomb, 9.1. */
  ue(value) {
    const digits = (value + 1).toString(2);
    this.#bits += "0".repeat(digits.length - 1) + digits;
    return this;
  }
  align(bit = "0") {
    while (this.#bits.length % 8) this.#bits += bit;
    return this;
  }
  bytes(values) {
    for (const value of values) this.u(8, value);
    return this;
  }
  /** With rbsp_trailing_bits, 7.3.2.11. */
  rbsp() {
    this.#bits += "1";
    this.align();
    return this.#bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  }
}

/** A NAL unit with its start code, 7.3.1 and B.1.1. */
function nal(header, rbsp) {
  const bytes = [0, 0, 0, 1, header];
  let zeros = 0;
  for (const byte of rbsp) {
    if (zeros === 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from(bytes);
}

// seq_parameter_set_rbsp, 7.3.2.1.1: Main profile, level 3, frames of 16 by 32 in fields or not.
const sps = () =>
  new Bits()
    .bytes([77, 0, 30])
    .ue(0) // seq_parameter_set_id
    .ue(0) // log2_max_frame_num_minus4
    .ue(0) // pic_order_cnt_type
    .ue(4) // log2_max_pic_order_cnt_lsb_minus4
    .ue(1) // max_num_ref_frames
    .u(1, 0) // gaps_in_frame_num_value_allowed_flag
    .ue(0) // pic_width_in_mbs_minus1
    .ue(0) // pic_height_in_map_units_minus1
    .u(1, 0) // frame_mbs_only_flag
    .u(1, 0) // mb_adaptive_frame_field_flag
    .u(1, 1) // direct_8x8_inference_flag
    .u(1, 0) // frame_cropping_flag
    .u(1, 0) // vui_parameters_present_flag
    .rbsp();

// pic_parameter_set_rbsp, 7.3.2.2.
const pps = () =>
  new Bits()
    .ue(0)
    .ue(0)
    .u(1, 0) // entropy_coding_mode_flag
    .u(1, 0) // bottom_field_pic_order_in_frame_present_flag
    .ue(0) // num_slice_groups_minus1
    .ue(0)
    .ue(0)
    .u(1, 0) // weighted_pred_flag
    .u(2, 0)
    .ue(0)
    .ue(0)
    .ue(0)
    .u(1, 1) // deblocking_filter_control_present_flag
    .u(1, 0)
    .u(1, 0)
    .rbsp();

/** A slice of one macroblock, 7.3.3 and 7.3.5: luma of one value, chroma of another. */
function slice({ idr, frame, bottom, luma }) {
  const bits = new Bits()
    .ue(0) // first_mb_in_slice
    .ue(7) // slice_type: I, the whole picture
    .ue(0) // pic_parameter_set_id
    .u(4, frame % 16) // frame_num
    .u(1, 1) // field_pic_flag
    .u(1, bottom ? 1 : 0);
  if (idr) bits.ue(0); // idr_pic_id
  bits.u(8, (2 * frame + (bottom ? 1 : 0)) % 256); // pic_order_cnt_lsb
  // dec_ref_pic_marking, 7.3.3.3
  if (idr) bits.u(2, 0);
  else bits.u(1, 0);
  bits
    .ue(0) // slice_qp_delta
    .ue(1) // disable_deblocking_filter_idc
    .ue(25) // mb_type: I_PCM, table 7-11
    .align()
    .bytes(Array(256).fill(luma))
    .bytes(Array(128).fill(128));
  return bits.rbsp();
}

/** A stream of frames, each a complementary field pair; every second field is an access unit of its own. */
export function fieldPairs(count) {
  const parts = [nal(0x67, sps()), nal(0x68, pps())];
  for (let frame = 0; frame < count; frame += 1) {
    const luma = 16 + (frame * 7) % 200;
    // Only the first field of an IDR picture is of type 5, 7.4.1.2.4.
    parts.push(nal(frame === 0 ? 0x65 : 0x61, slice({ idr: frame === 0, frame, bottom: false, luma })));
    parts.push(nal(0x61, slice({ idr: false, frame, bottom: true, luma: luma + 10 })));
  }
  return Buffer.concat(parts);
}

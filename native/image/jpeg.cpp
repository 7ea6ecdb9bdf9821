#include "image/jpeg.h"

#include <csetjmp>
#include <cstdio>  // jpeglib.h wants FILE
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "image/turn.h"

namespace cw {
namespace {

constexpr size_t kChannels = 3;
/// No picture has as many, and each takes as long as the whole of a plain one.
constexpr int kMostScans = 500;
/// What a thread keeps for its next picture.
constexpr size_t kKept = size_t{8} << 20;

/// libjpeg reports by calls; errors must not return to it, and exceptions may not pass through C.
struct Report : jpeg_error_mgr {
  std::jmp_buf out;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void fail(j_common_ptr info) {
  auto* report = static_cast<Report*>(info->err);
  report->format_message(info, report->message);
  std::longjmp(report->out, 1);
}

/// Of all warnings only the end of the data counts: what follows would be grey.
void warn(j_common_ptr info, int level) {
  if (level >= 0) return;
  ++info->err->num_warnings;
  if (info->err->msg_code == JWRN_JPEG_EOF) fail(info);
}

[[noreturn]] void fail_with(j_decompress_ptr d, const char* what) {
  auto* report = static_cast<Report*>(d->err);
  std::snprintf(report->message, sizeof report->message, "%s", what);
  std::longjmp(report->out, 1);
}

void watch_scans(j_common_ptr info) {
  auto* d = reinterpret_cast<j_decompress_ptr>(info);
  if (d->input_scan_number > kMostScans) fail_with(d, "it has more scans than any picture needs");
}

/// Whether `dst` [height, width, 3], not turned yet, was filled. Nothing here has a destructor, which a jump would skip.
bool read(const Jpeg& jpeg, JDIMENSION width, JDIMENSION height, uint8_t* dst, Report& report) {
  jpeg_decompress_struct d{};
  jpeg_progress_mgr progress{};
  d.err = jpeg_std_error(&report);
  report.error_exit = fail;
  report.emit_message = warn;
  progress.progress_monitor = watch_scans;
  if (setjmp(report.out)) {
    jpeg_destroy_decompress(&d);
    return false;
  }
  jpeg_create_decompress(&d);
  jpeg_mem_src(&d, jpeg.data, jpeg.size);
  jpeg_read_header(&d, TRUE);
  d.progress = &progress;
  d.out_color_space = JCS_RGB;
  d.scale_num = 1;
  d.scale_denom = jpeg.shrink;
  jpeg_start_decompress(&d);
  if (d.output_width != width || d.output_height != height) fail_with(&d, "its size is not what its header says");
  constexpr JDIMENSION kRows = 16;
  JSAMPROW rows[kRows];
  while (d.output_scanline < height) {
    const JDIMENSION count = std::min(kRows, height - d.output_scanline);
    for (JDIMENSION i = 0; i < count; ++i) rows[i] = dst + (d.output_scanline + i) * kChannels * width;
    if (jpeg_read_scanlines(&d, rows, count) == 0) fail_with(&d, "it ends before its last row");
  }
  jpeg_finish_decompress(&d);
  jpeg_destroy_decompress(&d);
  return true;
}

/// Room of at least `bytes`; one larger than a thread keeps is given back by the next call that needs less.
uint8_t* room(std::vector<uint8_t>& kept, size_t bytes) {
  if (kept.size() > kKept && bytes <= kKept) std::vector<uint8_t>().swap(kept);
  if (kept.size() < bytes) {
    std::vector<uint8_t>().swap(kept);
    kept.resize(bytes);
  }
  return kept.data();
}

}  // namespace

void check_jpeg(const Jpeg& jpeg) {
  const auto require = [](bool good, const char* what) {
    if (!good) throw Error(Code::invalid_argument, std::string("[jpeg] ") + what);
  };
  require(jpeg.shrink == 1 || jpeg.shrink == 2 || jpeg.shrink == 4 || jpeg.shrink == 8, "shrink: expected 1, 2, 4 or 8");
  require(jpeg.orientation >= 1 && jpeg.orientation <= 8, "orientation: expected 1 to 8");
  require(jpeg.width > 0 && jpeg.height > 0 && jpeg.width <= JPEG_MAX_DIMENSION && jpeg.height <= JPEG_MAX_DIMENSION,
          "expected 1 to 65500 pixels a side");
}

const uint8_t* decode_jpeg(const Jpeg& jpeg) {
  check_jpeg(jpeg);
  thread_local std::vector<uint8_t> stored, turned;
  int width = jpeg.width, height = jpeg.height;
  if (jpeg.orientation >= 5) std::swap(width, height);
  const size_t bytes = static_cast<size_t>(width) * height * kChannels;
  uint8_t* pixels = room(stored, bytes);
  Report report;
  if (!read(jpeg, width, height, pixels, report)) throw Error(Code::image, report.message);
  if (jpeg.orientation == 1) return pixels;
  uint8_t* result = room(turned, bytes);
  turn(pixels, width, height, jpeg.orientation, result);
  return result;
}

}  // namespace cw

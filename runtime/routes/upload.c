/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /upload: writes the part "file" of a form to a file with the name that the part has. The
 * last part of that name counts, and it is put in place when the whole form has been received. The
 * threads for files read the form piece by piece; the body pauses meanwhile. Called through the
 * table of routes.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/sched.h"
#include "runtime/files/files.h"
#include "runtime/files/incoming.h"
#include "runtime/files/multipart.h"
#include "runtime/http/work.h"
#include "runtime/http/percent.h"
#include "runtime/http/request.h"
#include "runtime/runtime.h"

#define FIELD_MAX (64u << 10) /* of a part that is not a file; it is only repeated in the error */
#define RESPONSE_MAX (1u << 20)
#define PIECE_MAX (128u << 10) /* of the body: more than the server passes at once */

enum kind { KIND_NONE, KIND_TEXT, KIND_FILE, KIND_MAX };

/* A part named "file". */
struct part {
	enum kind kind;
	struct buf text; /* the name of the file, or the text of another part */
	struct incoming file;
	struct error error; /* why it cannot be received */
};

struct upload {
	struct work work;
	const struct runtime *runtime;
	struct buf piece;       /* of the body, for the next step */
	struct error error;     /* the form is invalid */
	bool complete;          /* the form is complete: the next step is the last one */
	struct multipart *form; /* NULL: the body has another type and is ignored */
	struct part current;    /* KIND_NONE: the current part has another name */
	struct part received;   /* the last complete one */
};

static void upload_part_init(struct part *part)
{
	*part = (struct part){ .text = BUF_INIT(FIELD_MAX), .file = INCOMING_INIT };
}

static void upload_part_finish(struct part *part)
{
	incoming_drop(&part->file);
	buf_finish(&part->text);
	upload_part_init(part);
}

static void upload_destroy(struct work *work)
{
	struct upload *upload = CONTAINER_OF(work, struct upload, work);

	multipart_destroy(upload->form);
	buf_finish(&upload->piece);
	upload_part_finish(&upload->current);
	upload_part_finish(&upload->received);
	free(upload);
}

/* ---- the parts ---- */

/* The name is used as it is. A name that would leave the base if it were percent-decoded is refused
 * too: nobody sends it on purpose, and a program that decodes it later would leave the base. */
static int upload_clean_name(const struct part_names *names, struct buf *path)
{
	CLEANUP_BUF struct buf decoded = BUF_INIT(FIELD_MAX);
	CLEANUP_BUF struct buf ignored = BUF_INIT(FIELD_MAX);

	percent_decode(names->filename, names->filename_length, &decoded);
	if (path_clean(buf_str(&decoded), decoded.length, &ignored) == -EXDEV) {
		return -EXDEV;
	}
	return path_clean(names->filename, names->filename_length, path);
}

static void upload_begin_file(struct upload *upload, const struct part_names *names)
{
	struct part *part = &upload->current;
	CLEANUP_BUF struct buf path = BUF_INIT(FIELD_MAX);
	int code = upload_clean_name(names, &path);

	part->kind = KIND_FILE;
	buf_append(&part->text, names->filename, names->filename_length);
	if (code == -ENAMETOOLONG) {
		error_set(&part->error, code, "[Errno %d] %s", -code, strerror(-code));
	} else if (code < 0) {
		error_set(&part->error, code, "outside of the base directory");
	} else {
		incoming_begin(&upload->runtime->base, buf_str(&path),
			       sched_random(upload->runtime->sched), &part->file, &part->error);
	}
}

static void upload_on_begin(void *arg, const struct part_names *names)
{
	struct upload *upload = arg;

	upload_part_finish(&upload->current);
	if (names->name_length != 4 || memcmp(names->name, "file", 4) != 0) {
		return;
	}
	if (names->filename != NULL) {
		upload_begin_file(upload, names);
	} else {
		upload->current.kind = KIND_TEXT;
	}
}

static void upload_on_data(void *arg, const char *data, size_t length)
{
	struct part *part = &((struct upload *)arg)->current;

	if (part->kind == KIND_TEXT) {
		buf_append(&part->text, data, length);
	} else if (part->kind == KIND_FILE && part->error.code == 0 &&
		   incoming_write(&part->file, data, length, &part->error) < 0) {
		incoming_drop(&part->file); /* frees the disk space at once */
	}
}

static void upload_on_end(void *arg)
{
	struct upload *upload = arg;

	if (upload->current.kind != KIND_NONE) {
		upload_part_finish(&upload->received);
		upload->received = upload->current;
		upload->current =
			(struct part){ .text = BUF_INIT(FIELD_MAX), .file = INCOMING_INIT };
	}
}

static const struct part_calls part_calls = { .begin = upload_on_begin,
					      .data = upload_on_data,
					      .end = upload_on_end };

static void upload_run(struct work *work)
{
	struct upload *upload = CONTAINER_OF(work, struct upload, work);

	if (!upload->complete) {
		(void)multipart_feed(upload->form, buf_str(&upload->piece), upload->piece.length,
				     &upload->error);
		buf_finish(&upload->piece); /* a slow client keeps no memory */
		upload->piece = (struct buf)BUF_INIT(PIECE_MAX);
	} else if (upload->received.kind == KIND_FILE && upload->received.error.code == 0) {
		incoming_land(&upload->received.file, &upload->received.error);
	}
}

/* ---- the request ---- */

/* The part "file" was not a file but a text. */
static void upload_respond_text(struct request *request, const struct buf *text)
{
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);

	buf_append_str(
		&body,
		"{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"file\"],\"msg\":\"Value error, Expected UploadFile, received: <class 'str'>\",\"input\":");
	json_append(&body, buf_str(text), text->length);
	buf_append_str(&body, ",\"ctx\":{\"error\":{}}}]}");
	request_respond_json(request, 422, &body);
}

static void upload_respond_file(struct request *request, const struct part *part)
{
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);
	CLEANUP_BUF struct buf words = BUF_INIT(RESPONSE_MAX);

	if (part->error.code == -EXDEV) {
		request_respond_message(request, 403, "Access denied");
		return;
	}
	if (part->error.code < 0) {
		buf_printf(&words, "File upload failed: %s", part->error.text);
	} else {
		buf_append_str(&words, "File '");
		buf_append(&words, buf_str(&part->text), part->text.length);
		buf_append_str(&words, "' uploaded successfully.");
	}
	buf_append_str(&body, "{\"message\":");
	json_append(&body, buf_str(&words), words.length);
	buf_append_char(&body, '}');
	request_respond_json(request, part->error.code < 0 ? 500 : 200, &body);
}

static void upload_respond(struct request *request, const struct upload *upload)
{
	switch (upload->received.kind) {
	case KIND_FILE:
		upload_respond_file(request, &upload->received);
		break;
	case KIND_TEXT:
		upload_respond_text(request, &upload->received.text);
		break;
	default:
		request_respond_invalid(request, "missing", "file", "Field required", NULL);
	}
}

static void upload_done(struct work *work, int outcome)
{
	struct upload *upload = CONTAINER_OF(work, struct upload, work);

	if (outcome < 0) {
		work_respond_failed(work->request, outcome);
	} else if (upload->error.code < 0) {
		request_respond_detail(work->request, 400, upload->error.text);
	} else if (upload->complete) {
		upload_respond(work->request, upload);
	} else {
		request_resume(work->request);
	}
}

void upload_start(struct request *request)
{
	struct upload *upload = xnew(struct upload);
	struct error error = { 0 };

	*upload = (struct upload){
		.work = { .run = upload_run, .done = upload_done, .destroy = upload_destroy },
		.runtime = request_arg(request),
		.piece = BUF_INIT(PIECE_MAX)
	};
	upload_part_init(&upload->current);
	upload_part_init(&upload->received);
	if (!work_begin(&upload->work, request)) {
		upload_destroy(&upload->work);
		return;
	}
	if (multipart_create(request_header(request, "Content-Type"), &part_calls, upload,
			     &upload->form, &error) < 0) {
		request_respond_detail(request, 400, error.text);
	}
}

void upload_take(struct request *request, const char *data, size_t length)
{
	struct upload *upload =
		CONTAINER_OF((struct work *)request_data(request), struct upload, work);

	if (upload->form != NULL) {
		if (buf_append(&upload->piece, data, length) < 0) {
			request_respond_detail(request, 500, "A piece of the form is too large");
			return;
		}
		request_pause(request);
		work_submit(&upload->work);
	}
}

void upload_handle(struct request *request)
{
	struct upload *upload =
		CONTAINER_OF((struct work *)request_data(request), struct upload, work);

	upload->complete = true;
	work_submit(&upload->work);
}

"""The help of the command line in Vietnamese: sentence by sentence, from the English one."""

from __future__ import annotations

from typing import Any, Protocol


class Helped(Protocol):
    """A command or a group of them, as Typer makes them."""

    help: str | None
    epilog: str | None
    params: list[Any]


HELP: dict[str, str] = {
    # alerts
    "What needs somebody, and who is told by e-mail and webhook.": (
        "Những gì cần người xử lý, và báo cho ai qua thư điện tử và webhook."
    ),
    "List what the role `alerts` finds now, since when, and what could not be told yet.": (
        "Liệt kê những gì vai trò `alerts` đang thấy, từ khi nào, và thông báo nào chưa gửi được."
    ),
    "Tell everybody that is configured now that this is a test, and say who took it.": (
        "Gửi ngay một thông báo thử tới mọi kênh đã cấu hình và cho biết kênh nào đã nhận."
    ),
    "Send no reminders of an alert that holds now; that it ends is told all the same.": (
        "Tạm thời không nhắc lại một cảnh báo đang còn; khi hết vẫn báo."
    ),
    "Its name; see: alerts list": "Tên cảnh báo; xem: alerts list",
    "For how long": "Trong bao lâu",
    # traffic
    "Pause, drain and resume an agency or the portal; nothing is lost by it.": (
        "Tạm dừng, gửi cho hết và cho tiếp tục một cơ quan hoặc Cổng; không mất gì."
    ),
    "List what people have stopped, since when, why, until when; of a drain also what is left.": (
        "Liệt kê những gì đang bị tạm dừng, từ lúc nào, vì sao, đến khi nào; còn lại bao nhiêu."
    ),
    "Stop taking in, or sending; what cannot come in waits outside, what cannot go out stays "
    "ready.": (
        "Ngừng tiếp nhận hoặc ngừng gửi; thứ chưa nhận thì chờ bên ngoài, thứ chưa gửi vẫn sẵn "
        "sàng."
    ),
    "Take nothing in, and send what was taken in to its end; traffic show tells what is left.": (
        "Ngừng tiếp nhận và gửi cho hết những gì đã nhận; traffic show cho biết còn bao nhiêu."
    ),
    "Let an agency or the portal go on.": "Cho một cơ quan hoặc Cổng tiếp tục.",
    "The portal: for every agency": "Cổng: với mọi cơ quan",
    "Why; everybody sees it, and the audit log": "Lý do; mọi người thấy, và ghi vào nhật ký",
    "When it resumes by itself; Việt Nam's time": "Khi nào tự tiếp tục; giờ Việt Nam",
    "What comes in, or what goes out": "Phần vào (intake) hay phần ra (delivery)",
    "Only this; may be repeated; default all of it": "Chỉ phần này; lặp lại được; mặc định tất cả",
    # messages jobs
    "Bulk replays that one person asked for and another approved.": (
        "Các đợt xử lý hàng loạt do một người yêu cầu và người khác duyệt."
    ),
    "Id; see: messages jobs list": "Mã; xem: messages jobs list",
    "List bulk replays, the latest first; asking and approving are for the operators' HTTP API.": (
        "Liệt kê các đợt xử lý, mới nhất trước; yêu cầu và duyệt qua HTTP API của người vận hành."
    ),
    "Show one bulk replay, and how far it is.": "Xem một đợt xử lý và tiến độ của nó.",
    "Let a bulk replay rest; a part of at most 100 messages that is under way is ended before.": (
        "Tạm dừng một đợt xử lý; phần đang chạy (tối đa 100 thông điệp) được làm xong trước."
    ),
    "Let a bulk replay go on that was paused, or that stopped because too much failed.": (
        "Cho chạy tiếp một đợt đã tạm dừng, hoặc đã tự dừng vì lỗi quá nhiều."
    ),
    "End a bulk replay; what it has done stays done, the rest is left as it is.": (
        "Kết thúc một đợt xử lý; phần đã làm giữ nguyên, phần còn lại không đụng đến."
    ),
    # problems
    "Only what ever had an error with these words": "Chỉ những gì từng có lỗi với các từ này",
    "Failures grouped by cause: what is wrong, who must act, what helps.": (
        "Lỗi gom theo nguyên nhân: sai gì, ai phải xử lý, làm gì thì được."
    ),
    "Id; see: problems list": "Mã; xem: problems list",
    "As problems show had it; refused if it changed since": (
        "Như problems show đã hiện; từ chối nếu đã thay đổi"
    ),
    "Only this state; may be repeated; default: open and acknowledged": (
        "Chỉ trạng thái này; có thể lặp lại; mặc định: open và acknowledged"
    ),
    "Only what these must act about": "Chỉ những gì bên này phải xử lý",
    'Only of this code; "mapping.*": that begin so': 'Chỉ mã này; "mapping.*": bắt đầu như vậy',
    "Only those last seen from then on": "Chỉ những vấn đề gặp từ lúc đó",
    "Only with these words in what is said; marks are optional": (
        "Chỉ khi lời lỗi có các từ này; không cần dấu"
    ),
    "Go on after the list that gave this cursor": "Xem tiếp sau danh sách đã cho con trỏ này",
    "List failures grouped by cause, what failed last first.": (
        "Liệt kê lỗi gom theo nguyên nhân, mới gặp trước."
    ),
    "Show one problem, what helps, and a few of its messages.": (
        "Xem một vấn đề, cách xử lý và vài thông điệp của nó."
    ),
    "Say that somebody is at it: new failures do not open it again.": (
        "Nhận xử lý: lỗi mới không mở lại vấn đề."
    ),
    "Say that its cause is gone; the next failure opens it again.": (
        "Ghi là nguyên nhân đã hết; lỗi tiếp theo sẽ mở lại."
    ),
    "Say that nobody is to be told of it; its messages are counted all the same.": (
        "Bỏ qua, không báo nữa; thông điệp của nó vẫn được tính."
    ),
    "Take back what was decided about a problem.": "Rút lại quyết định về một vấn đề.",
    # edxml
    "Look at, take apart, make and answer edXML packets (QCVN 102).": (
        "Xem, tách, tạo và trả lời gói edXML (QCVN 102)."
    ),
    "An edXML file; - for standard input": "Một tệp edXML; - là đầu vào chuẩn",
    "Of its elements; may be repeated; default that of QCVN 102": (
        "Không gian tên của các phần tử; có thể lặp lại; mặc định của QCVN 102"
    ),
    "Show the header of a packet, its attachments, and what its signature is worth.": (
        "Xem phần đầu của gói, các tệp đính kèm, và giá trị của chữ ký."
    ),
    "Check a packet: structure, codes, manifest against attachments, signature.": (
        "Kiểm tra gói: cấu trúc, mã, danh sách so với tệp đính kèm, chữ ký."
    ),
    "Of a status: the document that it must be of": "Với gói trạng thái: văn bản được trả lời",
    "A packet without signature is wrong": "Gói không có chữ ký là sai",
    "Write the attachments of a packet into a folder, under names that are safe everywhere.": (
        "Ghi các tệp đính kèm của gói vào một thư mục, với tên an toàn trên mọi hệ thống."
    ),
    "Nothing is written of a packet in which one of them is wrong.": (
        "Nếu một tệp trong gói sai thì không ghi tệp nào."
    ),
    "The description, YAML or JSON; - for standard input": (
        "Bản mô tả, YAML hoặc JSON; - là đầu vào chuẩn"
    ),
    "Where DocumentId stands in the header; implementations differ": (
        "DocumentId đứng ở đâu trong phần đầu; các phần mềm viết khác nhau"
    ),
    "Make a packet from a description: fields by their published names, files beside it.": (
        "Tạo gói từ bản mô tả: các trường theo tên đã công bố, tệp để bên cạnh."
    ),
    "Make the status packet that answers a document.": "Tạo gói trạng thái trả lời một văn bản.",
    "01 02 03 04 05 06 13 15 16; see docs/edxml.md": (
        "01 02 03 04 05 06 13 15 16; xem docs/edxml.md"
    ),
    "OrganId of the agency that answers": "OrganId của cơ quan trả lời",
    "OrganName of the agency that answers": "OrganName của cơ quan trả lời",
    "In words; default the meaning of the code": "Mô tả; mặc định là nghĩa của mã",
    "StaffInfo: unit of who acted": "StaffInfo: đơn vị của người xử lý",
    "StaffInfo: who acted": "StaffInfo: người xử lý",
    "Code of the status before; an unusual order is told": (
        "Mã trạng thái liền trước; thứ tự khác thường sẽ được báo"
    ),
    # mapping new
    "Read a sample and draft a mapping: source, columns, dates, codes, with every doubt marked.": (
        "Đọc một tệp mẫu và viết nháp ánh xạ: nguồn, cột, ngày, mã, ghi rõ mọi chỗ còn nghi."
    ),
    'What nobody knows is left out or says "?"; `mapping check` names it.': (
        "Điều không ai biết thì để trống hoặc ghi «?»; `mapping check` sẽ chỉ ra."
    ),
    "Name of the new mapping: a-z, digits, hyphens": "Tên ánh xạ mới: a-z, chữ số, gạch nối",
    "A file as the agency sends it": "Một tệp đúng như cơ quan gửi",
    "File to write; default NAME.yaml": "Tệp sẽ ghi; mặc định TÊN.yaml",
    "The agency's code in messages": "Mã cơ quan trong thông điệp",
    "The agency's name": "Tên cơ quan",
    "Version of the portal's schema; default dvcqg-2020": (
        "Phiên bản lược đồ của Cổng; mặc định dvcqg-2020"
    ),
    "Of a text file; default: judged by its words": (
        "Bảng mã của tệp văn bản; mặc định: đoán theo từ ngữ trong tệp"
    ),
    "Records to look at": "Số bản ghi được xem",
    # dossier
    "Show everything that ever happened to a dossier, oldest first, and what happens next.": (
        "Xem mọi việc từng xảy ra với một hồ sơ, từ cũ đến mới, và việc tiếp theo."
    ),
    "Code of the dossier, or the agency's own key of an event of it": (
        "Mã hồ sơ, hoặc khóa sự kiện riêng của cơ quan"
    ),
    "At most so many steps": "Nhiều nhất bấy nhiêu bước",
    # sharing
    "What one agency lets another have.": "Điều một cơ quan cho cơ quan khác biết.",
    "List the profiles: from whom, to whom, what, for which purpose, on which basis, until when.": (
        "Liệt kê: từ ai, đến ai, chia sẻ gì, vì mục đích gì, theo căn cứ nào, đến khi nào."
    ),
    "Of the profile: [sharing.NAME]; all": "Tên hồ sơ chia sẻ: [sharing.TÊN]; tất cả",
    "Of the profile: [sharing.NAME]": "Tên hồ sơ chia sẻ: [sharing.TÊN]",
    "Check that profiles can work: fields, agencies, what the receiver's mapping reads.": (
        "Kiểm tra trước khi chạy: trường, cơ quan, điều ánh xạ của nơi nhận đọc."
    ),
    "What was delivered since, in local time": "Điều đã gửi Cổng từ lúc này, theo giờ địa phương",
    "Share also what was delivered before the profile began; nothing is shared twice.": (
        "Chia sẻ cả điều đã gửi trước khi có hồ sơ chia sẻ; điều đã chia sẻ không bị nhân đôi."
    ),
    "What is older than what the receiver has stays. It may be broken off and begun again.": (
        "Bản cũ hơn bản nơi nhận đã có thì không gửi. Ngắt giữa chừng rồi chạy lại cũng được."
    ),
    # reconcile
    "Compare what agencies sent with what the portal has, dossier by dossier.": (
        "Đối soát điều cơ quan đã gửi với điều Cổng đang có, từng hồ sơ một."
    ),
    "The portal is asked at a polite rate, twice about whatever does not agree.": (
        "Cổng được hỏi với nhịp vừa phải, hai lần về điều không khớp."
    ),
    "Only dossiers of which something moved since, in local time": (
        "Chỉ hồ sơ có thay đổi từ lúc này, theo giờ địa phương"
    ),
    "The agency's list of what it has, in its own format; nothing is sent": (
        "Danh sách hồ sơ của cơ quan, theo định dạng của cơ quan; không gửi gì"
    ),
    "Look-ups in a second at most": "Số lần tra cứu tối đa mỗi giây",
    "Go on with the last one; it is not begun again": "Làm tiếp lần gần nhất, không làm lại từ đầu",
    "At most so many findings are shown": "Hiện nhiều nhất bấy nhiêu hồ sơ",
    "Write all findings to this file": "Ghi mọi điều tìm thấy vào tệp này",
    "Write a page with all findings": "Ghi một trang có mọi điều tìm thấy",
    "Let go again what is proven missing, and only that": (
        "Gửi lại những gì chắc chắn thiếu, và chỉ những thứ đó"
    ),
    # evidence
    "Evidence that anyone can check.": "Chứng cứ mà ai cũng kiểm tra được.",
    "Write everything that proves what became of a dossier into one signed file (ASiC-E).": (
        "Ghi mọi thứ chứng minh diễn biến của một hồ sơ vào một tệp có chữ ký (ASiC-E)."
    ),
    "Who exported it, and when, is a row of the audit log.": (
        "Ai xuất và lúc nào được ghi thành một dòng nhật ký."
    ),
    "Check a pack and say what is proven, what is not and why; needs no installation.": (
        "Kiểm tra một gói và nói điều gì đã chứng minh, điều gì chưa và vì sao; không cần cài đặt."
    ),
    "Write the verifier, one Python file that needs cryptography and lxml alone.": (
        "Ghi ra chương trình kiểm tra: một tệp Python, chỉ cần cryptography và lxml."
    ),
    "Code of the dossier, or id of a message": "Mã hồ sơ, hoặc mã thông điệp",
    "File; default the code, .asice": "Tệp; mặc định là mã hồ sơ, đuôi .asice",
    "Name of its mapping, where several have that code": (
        "Tên ánh xạ của cơ quan, khi nhiều cơ quan có mã này"
    ),
    "Also files as they came: DISCLOSES the dossiers of all others in them": (
        "Kèm tệp gốc nguyên văn: TIẾT LỘ hồ sơ của mọi người khác trong tệp"
    ),
    "The chain of seals, however long": "Cả chuỗi niêm phong, dù dài đến đâu",
    "The summary in English": "Bản tóm tắt bằng tiếng Anh",
    "The pack": "Gói chứng cứ",
    "PEM of the root of the time-stamp authority": (
        "Tệp PEM chứng thư gốc của nơi cấp dấu thời gian"
    ),
    "PEM of a trusted root": "Tệp PEM của chứng thư gốc tin cậy",
    "PEM that only the portal's receipts may lead to": ("Tệp PEM chỉ dùng cho biên nhận của Cổng"),
    "SHA-256 of the operator's certificate": "SHA-256 của chứng thư bên vận hành",
    "File of a witness, or number:digest of a printed page": (
        "Tệp của nhân chứng, hoặc số:giá trị băm trên trang in"
    ),
    "A file that the agency handed in": "Một tệp mà cơ quan đã gửi",
    # pull
    "Sources that are read by us.": "Các nguồn do Liên thông chủ động đọc.",
    "List the sources: when each was read, how many rows it gave, and what keeps it from being "
    "read.": "Liệt kê các nguồn: đọc lúc nào, đã nhận bao nhiêu dòng, và vướng gì.",
    "Connect to a source and show what the next page would be, without its values; takes "
    "nothing.": "Kết nối tới nguồn và cho xem trang kế tiếp, không có giá trị; không nhận gì.",
    "Read a source once, now, and take over what is new.": (
        "Đọc nguồn một lần ngay bây giờ và nhận những gì mới."
    ),
    "Read a source again from an earlier (or later) watermark; what is not new is not sent "
    "again.": "Đọc lại nguồn từ một mốc sớm hơn (hoặc muộn hơn); cái không mới không gửi lại.",
    "Name of the source: [pull.NAME]": "Tên nguồn: [pull.TÊN]",
    "Watermark to read from: a number, a day or a time; default its start": (
        "Mốc để đọc từ đó: số, ngày hoặc thời điểm; mặc định từ đầu"
    ),
    # catalogue
    "The services that are to be connected.": "Các dịch vụ cần kết nối.",
    "List the groups and the services that were imported, or search the procedures that ship.": (
        "Liệt kê các nhóm và dịch vụ đã nhập, hoặc tìm trong danh mục thủ tục đóng gói."
    ),
    "Take the services of a decision's annex onto the list; all of them, or none when one is "
    "wrong.": "Nhập các dịch vụ trong phụ lục của một quyết định; nhập hết, hoặc không nhập gì "
    "khi có một dòng sai.",
    "Show which services of which group are connected, by which mapping, and the last delivery.": (
        "Cho biết dịch vụ nào của nhóm nào đã kết nối, bằng ánh xạ nào, và lần gửi gần nhất."
    ),
    "Only this group, by its code": "Chỉ nhóm này, theo mã nhóm",
    "Search all procedures by code or words of the title": (
        "Tìm mọi thủ tục theo mã hoặc từ trong tên"
    ),
    "The annex, as CSV or XLSX": "Phụ lục, dạng CSV hoặc XLSX",
    "Number of the decision": "Số quyết định",
    "Its day": "Ngày quyết định",
    "First day on the list; default --date": "Ngày đầu tiên có hiệu lực; mặc định --date",
    "Name a column: code|title|group|level|components|assurance=NAME": (
        "Chỉ rõ một cột: code|title|group|level|components|assurance=TÊN"
    ),
    "Sheet of a workbook; default the first": "Trang tính của sổ; mặc định trang đầu",
    "Only check the file": "Chỉ kiểm tra tệp",
    "Also draw it into this SVG file": "Vẽ thêm vào tệp SVG này",
    "File that gets the agency's own file with its faults": (
        "Tệp nhận bản sao tệp của cơ quan, có ghi lỗi tại chỗ"
    ),
    "Only rows with faults in the annotated CSV": "Bản CSV có ghi lỗi chỉ gồm các dòng có lỗi",
    "Also fetch the attachments, only to check them": ("Lấy cả tệp đính kèm về, chỉ để kiểm tra"),
    "Leave out warnings, which stop nothing": "Bỏ các cảnh báo: chúng không làm hồ sơ bị từ chối",
    "Seconds to finish or hand back what is in hand": (
        "Số giây để làm xong hoặc trả lại việc đang làm dở"
    ),
    "Comma-separated: take, expand, fetch, deliver, hand-over, share, results, sweep, seal, "
    "receipts, verify, stamp, reconcile, drift, replay, http, console, metrics, folder, pull; "
    "default: all that fit the settings but http, console and metrics": (
        "Cách nhau bằng dấu phẩy: take, expand, fetch, deliver, hand-over, share, results, sweep, "
        "seal, receipts, verify, stamp, reconcile, drift, replay, http, console, metrics, folder, "
        "pull; "
        "mặc định: mọi vai trò hợp với cấu hình, trừ http, console và metrics"
    ),
    "Port at which Prometheus reads what this process saw": (
        "Cổng để Prometheus đọc số liệu của tiến trình này"
    ),
    "rabbitmq: on a private RabbitMQ and PostgreSQL": (
        "rabbitmq: chạy trên RabbitMQ và PostgreSQL riêng"
    ),
    # texts
    "Find Vietnamese text that was typed or read wrong.": (
        "Tìm văn bản tiếng Việt gõ sai hoặc đọc sai bảng mã."
    ),
    "Say of every column, in every sheet, what its text is, what is to be repaired or doubtful.": (
        "Cho biết từng cột của mọi trang tính là văn bản gì, giá trị nào cần sửa hoặc còn nghi ngờ."
    ),
    "Read the file as this agency's mapping says": "Đọc tệp theo ánh xạ của cơ quan này",
    "Encoding of the file; default: the mapping's, or judged": (
        "Bảng mã của tệp; mặc định: theo ánh xạ, hoặc tự đoán"
    ),
    "Look at this column only; may be repeated": "Chỉ xem cột này; được lặp lại",
    "File that gets the repaired records (of a workbook those of its first sheet): .csv, or "
    ".jsonl; with a list of all changes beside it": (
        "Tệp nhận các bản ghi đã sửa (bảng tính thì của trang đầu): .csv hoặc .jsonl; kèm danh "
        "sách mọi thay đổi bên cạnh"
    ),
    # acting on messages
    "Let the same signed documents go again, under the same message ids.": (
        "Gửi lại đúng các tài liệu đã ký, giữ nguyên mã thông điệp."
    ),
    "Correct values of the source record of one message and reissue it.": (
        "Sửa giá trị trong bản ghi nguồn của một thông điệp rồi lập lại."
    ),
    "What the agency sent stays as it is, and the agency is told what was corrected.": (
        "Bản cơ quan đã gửi giữ nguyên, và cơ quan được báo chỗ đã sửa."
    ),
    "Of a message rejected, parked or quarantined": (
        "Của thông điệp bị từ chối, dừng lại hoặc cách ly"
    ),
    "What is to stand where; may be repeated": "Giá trị đúng ở chỗ nào; lặp lại được",
    "Say what would become of it, do nothing": "Chỉ cho biết kết quả sẽ ra sao, không thực hiện",
    "Of a preview: show values, not only their shape": (
        "Khi xem trước: hiện giá trị, không chỉ hiện dạng"
    ),
    "Make new messages from the same sources, by the mappings as they are now.": (
        "Tạo thông điệp mới từ chính nguồn cũ, theo ánh xạ hiện hành."
    ),
    "End messages for good without sending them; what waits behind them goes on.": (
        "Kết thúc hẳn các thông điệp mà không gửi; thông điệp chờ phía sau được đi tiếp."
    ),
    "Message ids; or select with --agency and --state": (
        "Mã thông điệp; hoặc chọn bằng --agency và --state"
    ),
    "Say what a resend or a reissue would do, without doing it.": (
        "Cho biết gửi lại hoặc lập lại sẽ làm gì, mà không thực hiện."
    ),
    "Say what a resend of messages would do; nothing is sent or written.": (
        "Cho biết gửi lại các thông điệp sẽ làm gì; không gửi, không ghi gì."
    ),
    "Say what a reissue of messages would do, field by field; nothing is sent or written.": (
        "Cho biết lập lại các thông điệp sẽ làm gì, từng trường; không gửi, không ghi gì."
    ),
    "Ask the portal, too, what it has of each dossier": "Hỏi cả Cổng đang có gì của từng hồ sơ",
    "At most so many messages are shown; all are counted": (
        "Chỉ hiện tối đa chừng này thông điệp; vẫn đếm tất cả"
    ),
    "Show values, not only their shape; with --reason": (
        "Hiện giá trị, không chỉ dạng của chúng; kèm --reason"
    ),
    "Why values are shown; it goes into the audit log": (
        "Vì sao xem giá trị; được ghi vào nhật ký"
    ),
    "Select by state; may be repeated": "Chọn theo trạng thái; được lặp lại",
    "Select of this agency": "Chọn của cơ quan này",
    "Select of every agency": "Chọn của mọi cơ quan",
    "Select of this dossier code": "Chọn của mã hồ sơ này",
    "Select with this in the reason": "Chọn theo chữ có trong lý do",
    "Only with this in the reason": "Chỉ những thông điệp có chữ này trong lý do",
    "Only those that changed from then on": "Chỉ những thông điệp thay đổi từ lúc đó",
    "Only those that changed before then": "Chỉ những thông điệp thay đổi trước lúc đó",
    "Only with this identity number or tax code; - asks for it; in no log": (
        "Chỉ của số giấy tờ hoặc mã số thuế này; - để nhập khi được hỏi; không ghi vào nhật ký nào"
    ),
    "Only with an error of this code (mapping.*: that begin so), or of this problem": (
        "Chỉ những thông điệp có lỗi mã này (mapping.*: mọi mã bắt đầu như vậy) hoặc của vấn đề này"
    ),
    "Go on after the message that has this cursor": "Xem tiếp sau thông điệp có con trỏ này",
    "Put messages from before an upgrade into the index by identity number and error.": (
        "Lập chỉ mục theo số giấy tờ và mã lỗi cho các thông điệp có từ trước khi nâng cấp."
    ),
    "Workers may go on running; it may be stopped and begun again.": (
        "Các tiến trình vẫn chạy được; có thể dừng giữa chừng rồi chạy tiếp."
    ),
    "Go through all messages anew": "Làm lại cho mọi thông điệp",
    "Do nothing unless exactly so many are selected": (
        "Không làm gì nếu số được chọn không đúng bằng số này"
    ),
    "Say how many and which, do nothing": "Chỉ cho biết bao nhiêu và những gì, không thực hiện",
    "Do not ask": "Không hỏi lại",
    "Your own id of this hand-over: with it, trying again is harmless": (
        "Mã riêng của bạn cho lần gửi này: có nó thì gửi lại không gây hại"
    ),
    "As lines for a shell, which take every password from a variable; with --json as RabbitMQ": (
        "Là các dòng lệnh, lấy mật khẩu từ biến môi trường; với --json là định nghĩa RabbitMQ"
    ),
    "definitions of the permissions, without users and passwords.": (
        "về quyền, không có người dùng và mật khẩu."
    ),
    # the tree
    "Bring agencies' dossiers to the National Public Service Portal: signed, in order, once, "
    "with proof.": "Đưa hồ sơ của các cơ quan lên Cổng Dịch vụ công Quốc gia: có ký số, đúng thứ "
    "tự, đúng một lần, có bằng chứng.",
    "See, resend, reissue or discard messages.": "Xem, gửi lại, lập lại hoặc hủy thông điệp.",
    "Check and test the mappings of agencies.": "Kiểm tra và chạy thử ánh xạ của các cơ quan.",
    "Signing keys.": "Khóa ký số.",
    "A portal and sample files to try things out.": "Cổng thử nghiệm và tệp mẫu để chạy thử.",
    "The audit log.": "Nhật ký kiểm toán.",
    "The queues on RabbitMQ.": "Các hàng đợi trên RabbitMQ.",
    "The message store: its version, its keys, how long it keeps what.": (
        "Kho thông điệp: phiên bản, khóa, giữ gì trong bao lâu."
    ),
    "The doors that agencies hand over at.": "Các cửa nhận hồ sơ từ cơ quan.",
    "Tokens of the HTTP door.": "Mã truy cập của cửa HTTP.",
    "Who may see and do what.": "Ai được xem và làm gì.",
    "Tokens of the operators' HTTP API.": "Mã truy cập API của người vận hành.",
    # commands, their first sentence
    "Convert an agency's file to signed portal XML, with a report of every fault at its place.": (
        "Chuyển tệp của cơ quan thành XML đã ký, kèm báo cáo từng lỗi tại chỗ của nó."
    ),
    "Check one XML document against the schema of its version and explain every fault.": (
        "Kiểm tra một tài liệu XML theo lược đồ của phiên bản nó và giải thích từng lỗi."
    ),
    "Sign one portal document, or a file of any type, with an agency's key (XAdES, B to LT).": (
        "Ký một tài liệu, hoặc một tệp loại bất kỳ, bằng khóa của cơ quan (XAdES, mức B đến LT)."
    ),
    "Add a time-stamp to a signed document, for evidence (XAdES baseline T or LT), and no more.": (
        "Thêm dấu thời gian vào tài liệu đã ký để làm bằng chứng (XAdES mức T hoặc LT); chữ ký "
        "giữ nguyên."
    ),
    "b: as it is delivered; t: with a time-stamp besides; lt: with all that proves it without any "
    "authority, too (not plain)": (
        "b: như khi gửi đi; t: có thêm dấu thời gian; lt: có thêm mọi thứ để kiểm tra mà không cần "
        "hỏi ai (không áp dụng cho plain)"
    ),
    "t: a time-stamp; lt: one if there is none yet, certificates and revocation data": (
        "t: dấu thời gian; lt: thêm dấu nếu chưa có, cùng chứng thư và dữ liệu thu hồi"
    ),
    "Say what is signed in a document, by whom, when, and whether it is trusted, and why not.": (
        "Cho biết phần nào được ký, ai ký, khi nào, có tin cậy không và vì sao."
    ),
    "Tell step by step what was checked, and the result": (
        "Kể từng bước đã kiểm tra gì và kết quả ra sao"
    ),
    "Put a file into the exchange; once this returns it cannot be lost.": (
        "Gửi một tệp vào trục liên thông; lệnh kết thúc là tệp không thể mất."
    ),
    "Run the workers until they are asked to stop (Ctrl-C or SIGTERM).": (
        "Chạy các tiến trình xử lý cho đến khi được yêu cầu dừng (Ctrl-C hoặc SIGTERM)."
    ),
    "Show per agency what was read, what waits, what went through and what needs somebody.": (
        "Cho biết theo từng cơ quan: đã đọc, đang chờ, đã đến Cổng và cần người xử lý."
    ),
    "List messages, the latest change first.": "Liệt kê thông điệp, thay đổi mới nhất trước.",
    "Show one message: its source, its errors, every attempt, its history.": (
        "Xem một thông điệp: nguồn, lỗi, từng lần gửi, lịch sử."
    ),
    "Let the same signed document go again, under the same message id.": (
        "Cho gửi lại đúng tài liệu đã ký, với cùng mã thông điệp."
    ),
    "End a message for good without sending it; what waits behind it goes on.": (
        "Kết thúc hẳn một thông điệp mà không gửi; những gì chờ sau nó được đi tiếp."
    ),
    "List the agencies that can be converted.": "Liệt kê các cơ quan đã có ánh xạ.",
    "Report everything that is wrong in mapping files, with file, line and what to write "
    "instead.": "Báo mọi chỗ sai trong tệp ánh xạ, kèm tệp, dòng và cách sửa.",
    "Show which of the portal's fields which agency sends, mandatory ones marked.": (
        "Cho biết cơ quan nào gửi trường nào của Cổng, trường bắt buộc được đánh dấu."
    ),
    "A draft is shown too, with what is left to do in it.": (
        "Bản nháp cũng được hiển thị, kèm những chỗ còn phải sửa."
    ),
    "Write the JSON Schema of the mapping language, for completion in editors.": (
        "Ghi JSON Schema của ngôn ngữ ánh xạ, để trình soạn thảo gợi ý khi gõ."
    ),
    "Run the tests that mapping files carry.": "Chạy các phép thử nằm trong tệp ánh xạ.",
    "Show records beside the dossiers they become: which column and which rule made each value.": (
        "Xem bản ghi nguồn cạnh hồ sơ kết quả: cột nào và quy tắc nào tạo ra từng giá trị."
    ),
    "Say what a changed mapping does to past inputs: what stays, what changes, what is rejected.": (
        "Cho biết ánh xạ mới làm gì với các tệp đã nhận: gì giữ nguyên, gì đổi, gì bị từ chối."
    ),
    "Name of an agency, or path of a YAML file": "Tên cơ quan, hoặc đường dẫn tệp YAML",
    "Real past inputs": "Các tệp thật đã nhận trước đây",
    "How many examples of each finding": "Số ví dụ cho mỗi điều tìm thấy",
    "Show values, not only their shape": "Hiện giá trị, không chỉ hình dạng của nó",
    "Only the record of this number, as reports count": "Chỉ bản ghi số này, như trong báo cáo",
    "Only the records of this dossier": "Chỉ các bản ghi của hồ sơ này",
    "The files are messages of this service from the portal: compare what the agency gets": (
        "Các tệp là bản tin của dịch vụ này từ Cổng: so sánh tệp mà đơn vị nhận"
    ),
    "The file is a message of this service from the portal: show what the agency gets": (
        "Tệp là một thông điệp của dịch vụ này từ Cổng: xem tệp mà cơ quan sẽ nhận"
    ),
    "With --inbound: write what the agency gets into this folder": (
        "Cùng --inbound: ghi tệp mà cơ quan sẽ nhận vào thư mục này"
    ),
    "Show at most so many records": "Xem nhiều nhất bấy nhiêu bản ghi",
    "Write one self-contained page for a browser": (
        "Ghi thành một trang độc lập để mở bằng trình duyệt"
    ),
    "Make keys FOR DEVELOPMENT: a root, every agency, an operator and the sandbox portal.": (
        "Tạo khóa CHỈ ĐỂ THỬ NGHIỆM: gốc, từng cơ quan, người vận hành và cổng thử nghiệm."
    ),
    "Run a portal that is really SOAP and JSON, checks everything, and misbehaves on demand.": (
        "Chạy một Cổng SOAP và JSON thật, kiểm tra mọi thứ và gặp sự cố theo yêu cầu."
    ),
    "File a dossier or a payment at a sandbox's portal, which sends it down until acknowledged.": (
        "Nộp một hồ sơ hay chứng từ tại Cổng thử nghiệm; Cổng gửi xuống tới khi được nhận."
    ),
    "JSON file with the dossier; or give --sample": "Tệp JSON của hồ sơ; hoặc dùng --sample",
    "Control address that the sandbox printed": "Địa chỉ điều khiển mà Cổng thử nghiệm đã in",
    "File something invented": "Nộp một hồ sơ hư cấu",
    "DongBoHoSoMC, ChungTuThue or another service": "DongBoHoSoMC, ChungTuThue hoặc dịch vụ khác",
    "Code of the unit it is for; else the start of MaHoSo": (
        "Mã đơn vị nhận; nếu không thì phần đầu của MaHoSo"
    ),
    "Of a dossier that the portal has already": "Cập nhật hồ sơ mà Cổng đã có",
    "Send it again so often, once acknowledged": "Gửi lại bấy nhiêu lần sau khi được nhận",
    "Where what is filed here goes: http://…/v1/peers/NAME/json or /soap": (
        "Nơi nhận thứ được nộp ở đây: http://…/v1/peers/TÊN/json hoặc /soap"
    ),
    "For the door": "Cho cửa đó",
    "Seconds to wait until it is acknowledged": "Số giây chờ tới khi được nhận",
    "What a sandbox does, step after step.": "Cổng thử nghiệm làm gì, từng bước một.",
    "Check a scenario file: every mistake with its line, and whether it can be repeated exactly.": (
        "Kiểm tra một kịch bản: mọi lỗi kèm số dòng, và có lặp lại được y hệt hay không."
    ),
    "YAML file of a scenario, or the name of a packaged one": (
        "Tệp YAML của kịch bản, hoặc tên kịch bản có sẵn"
    ),
    "The same calls in the same order, the same answers": (
        "Cùng các cuộc gọi theo cùng thứ tự thì cùng câu trả lời"
    ),
    "Write sample files of the six agencies: invented people, real procedures, seeded faults.": (
        "Tạo tệp mẫu của sáu cơ quan: người hư cấu, thủ tục thật, có cài lỗi."
    ),
    "Run the whole job on this machine: six agencies, a portal sandbox, and its bad moments.": (
        "Chạy trọn công việc trên máy này: sáu cơ quan, cổng thử nghiệm và những lúc nó hỏng."
    ),
    "Check this installation: packages, mappings, keys, store, disk, portal.": (
        "Kiểm tra bản cài đặt: gói, ánh xạ, khóa, kho, đĩa, Cổng."
    ),
    "Measure conversion, or the whole way, against the bare primitives, in one run.": (
        "Đo tốc độ chuyển đổi, hoặc cả chặng, so với các thao tác gốc, trong cùng một lần chạy."
    ),
    "Measure the whole way, on processes of its own; else conversion alone": (
        "Đo cả chặng, trên các tiến trình riêng; nếu không thì chỉ đo chuyển đổi"
    ),
    "Only this scenario; may be repeated": "Chỉ kịch bản này; được lặp lại",
    "How many to convert, or to send all at once": "Chuyển đổi, hoặc gửi cùng lúc, bao nhiêu",
    "How many wait for the portal in catch-up": "Bao nhiêu thông điệp chờ Cổng khi gửi bù",
    "What agencies sign with on the whole way": "Cơ quan ký bằng loại khóa nào trên cả chặng",
    "Calls at once per worker": "Số lần gọi cùng lúc của mỗi tiến trình",
    "With the sizes of the published figures; ~15 minutes": (
        "Với khối lượng của các số liệu đã công bố; khoảng 15 phút"
    ),
    "Keep the logs of the processes in this new folder": (
        "Giữ nhật ký của các tiến trình trong thư mục mới này"
    ),
    "Also draw the stages and targets into this SVG file": (
        "Vẽ thêm các chặng và chỉ tiêu vào tệp SVG này"
    ),
    "Signing and verifying alone, with both keys": (
        "Chỉ đo ký và kiểm tra chữ ký, với cả hai loại khóa"
    ),
    "Also convert a CSV of so many MiB; see its memory": (
        "Chuyển thêm một CSV bấy nhiêu MiB; xem bộ nhớ của nó"
    ),
    # keys
    "List every key: whose it is, from when to when, which one signs now, which one will.": (
        "Liệt kê mọi khóa: của ai, từ ngày nào đến ngày nào, khóa nào đang ký, khóa nào sẽ ký."
    ),
    "Sign with every key that is in use, verify it twice, and warn of what ends soon.": (
        "Ký thử bằng mọi khóa đang dùng, kiểm tra hai lần, và cảnh báo khóa sắp hết hạn."
    ),
    "Exit code 1: a holder cannot sign, or within 7 days it no longer will.": (
        "Mã thoát 1: có chủ khóa không ký được, hoặc trong 7 ngày tới sẽ không ký được."
    ),
    'An agency, or "operator"': "Tên cơ quan, hoặc «operator»",
    "The new key and certificate, PKCS#12": "Khóa và chứng thư mới, PKCS#12",
    "The new key, PEM": "Khóa mới, PEM",
    "Its certificate, PEM, with those between": "Chứng thư của khóa, PEM, kèm chuỗi trung gian",
    "File with the passphrase of the key, or the token's PIN": (
        "Tệp chứa mật khẩu của khóa, hoặc mã PIN của thiết bị"
    ),
    "The file that says where the new key is in a token, TOML": (
        "Tệp TOML cho biết khóa mới nằm ở đâu trong thiết bị PKCS#11"
    ),
    "Every key in use signs a few bytes, so that one that is locked or away is seen here too.": (
        "Mọi khóa đang dùng được ký thử vài byte, nên khóa bị khóa hoặc bị rút cũng thấy ở đây."
    ),
    "Make a new development key instead": "Tạo khóa thử nghiệm mới thay vì nhận khóa có sẵn",
    "With --development: first day; default today": (
        "Cùng với --development: ngày bắt đầu; mặc định hôm nay"
    ),
    "Put a new key beside the old one; it signs from the day its certificate begins.": (
        "Đặt khóa mới cạnh khóa cũ; khóa mới ký từ ngày chứng thư của nó bắt đầu."
    ),
    "Nothing stops meanwhile and nothing is written over: the old key stays until it is "
    "removed.": "Trong lúc đó không có gì dừng, không ghi đè gì: khóa cũ ở lại đến khi được gỡ.",
    # audit
    "Folder or address of a witness; default those in the settings": (
        "Thư mục hoặc địa chỉ của nhân chứng; mặc định theo cấu hình"
    ),
    "SHA-256 of a certificate that may seal; default the operator's here": (
        "SHA-256 của chứng thư được phép niêm phong; mặc định là của đơn vị vận hành ở máy này"
    ),
    "Number and digest from a printed page: 12:9f86d0…": (
        "Số và giá trị băm trên trang đã in: 12:9f86d0…"
    ),
    "Seal every row now and tell the witnesses; the role `seal` does it by itself.": (
        "Niêm phong mọi dòng ngay bây giờ và báo nhân chứng; vai trò `seal` tự làm việc này."
    ),
    "Have the newest seal time-stamped now; the role `stamp` does it by itself.": (
        "Xin dấu thời gian cho niêm phong mới nhất ngay bây giờ; vai trò `stamp` tự làm việc này."
    ),
    "List rows of the audit log: of a dossier, of a person, of a time, of a kind.": (
        "Liệt kê các dòng nhật ký: theo hồ sơ, người, thời gian, loại việc."
    ),
    "From then on": "Từ lúc đó",
    "Before then": "Trước lúc đó",
    "Who did it": "Người thực hiện",
    'What happened; "message." is all that begin so': (
        "Việc đã xảy ra; «message.» là mọi việc bắt đầu như vậy"
    ),
    "Of the messages of this dossier": "Của các thông điệp thuộc hồ sơ này",
    "Id of a message or submission": "Mã thông điệp hoặc mã lần gửi",
    "Rows at most; the first ones": "Số dòng tối đa, tính từ đầu",
    "Write the whole log as JSON lines: signers, seals and rows, for checking elsewhere.": (
        "Ghi toàn bộ nhật ký thành JSON từng dòng: người ký, niêm phong, các dòng, để kiểm tra nơi "
        "khác."
    ),
    "File; default standard output": "Tệp; mặc định đầu ra chuẩn",
    "Erase details of rows for good, where a law demands it; that the rows are true stays "
    "proven.": (
        "Xóa hẳn chi tiết của các dòng khi pháp luật yêu cầu; các dòng vẫn chứng minh được là thật."
    ),
    "Say how many, do nothing": "Chỉ cho biết bao nhiêu, không làm gì",
    "Write the newest seal as a page to print, sign and keep: a witness that needs no machine.": (
        "Ghi niêm phong mới nhất thành trang để in, ký và cất giữ: nhân chứng không cần máy móc."
    ),
    "HTML file to print and put into a safe": "Tệp HTML để in và cất vào két",
    "Be a witness for others: keep the seals that they hand in, and never change one.": (
        "Làm nhân chứng cho nơi khác: giữ các niêm phong được gửi đến, không bao giờ sửa."
    ),
    "Run it on a machine that the operators of the database cannot write to.": (
        "Chạy trên máy mà người quản trị cơ sở dữ liệu không ghi vào được."
    ),
    "Where the seals are kept": "Nơi giữ các niêm phong",
    "Address it listens on": "Địa chỉ lắng nghe",
    "File with the token that who asks must have": "Tệp có mã bí mật mà bên hỏi phải có",
    "TLS: PEM with its chain": "TLS: PEM kèm chuỗi chứng thư",
    "TLS: PEM": "TLS: PEM",
    "Recompute the whole audit log and say where it was changed, if anywhere.": (
        "Tính lại toàn bộ nhật ký và chỉ ra chỗ bị sửa, nếu có."
    ),
    "Print exchanges, queues and bindings as RabbitMQ definitions (JSON).": (
        "In exchange, hàng đợi và liên kết theo dạng định nghĩa của RabbitMQ (JSON)."
    ),
    "Make the exchanges and queues that are missing; nothing that is there is changed.": (
        "Tạo các exchange và hàng đợi còn thiếu; không thay đổi những gì đã có."
    ),
    "Print the server's users and what each may do: the topology's, the workers', each agency's.": (
        "In người dùng của máy chủ và quyền của từng người: của cấu trúc hàng đợi, của tiến trình "
        "xử lý, của từng cơ quan."
    ),
    "List the messages that nothing takes from the parking queue by itself; never their content.": (
        "Liệt kê các bản tin nằm chờ trong hàng đợi gác lại; không bao giờ hiện nội dung."
    ),
    "Put parked messages back into the queues they came from; needs the user of the topology.": (
        "Trả bản tin bị gác lại về hàng đợi cũ; cần người dùng của cấu trúc hàng đợi."
    ),
    "Say what on the server is missing or differs from what is needed.": (
        "Cho biết trên máy chủ còn thiếu gì hoặc có gì khác với yêu cầu."
    ),
    "Make the tables of a new store, or bring an older store to this program's version.": (
        "Tạo các bảng của kho mới, hoặc nâng kho cũ lên phiên bản của chương trình này."
    ),
    "Say whether the store fits this program and whether its keys open it.": (
        "Cho biết kho có hợp với chương trình và khóa có mở được không."
    ),
    "Protect the store with a new master key; what is there opens as before.": (
        "Bảo vệ kho bằng khóa chính mới; những gì đã có vẫn mở được."
    ),
    "Encrypt everything that is stored with the newest key; may be stopped and begun again.": (
        "Mã hóa lại mọi thứ trong kho bằng khóa mới nhất; có thể dừng rồi chạy tiếp."
    ),
    "Erase payloads whose retention is over; digests, states and the log stay.": (
        "Xóa nội dung đã hết hạn lưu giữ; mã băm, trạng thái và nhật ký được giữ lại."
    ),
    "Make a token with which an agency opens the HTTP door; it is printed once and kept nowhere.": (
        "Tạo mã truy cập để một cơ quan vào cửa HTTP; chỉ in ra một lần, không lưu ở đâu."
    ),
    "For a peer, which sends messages down to agencies: peer:NAME, as in [peers.NAME].": (
        "Với bên gửi bản tin xuống các cơ quan: peer:TÊN, như trong [peers.TÊN]."
    ),
    "Name of the agency's mapping, or peer:NAME": "Tên ánh xạ của cơ quan, hoặc peer:TÊN",
    # peers
    "What has changed in the portal's answers, documents and dictionaries.": (
        "Những thay đổi trong trả lời, tài liệu kỹ thuật và danh mục của Cổng."
    ),
    "List what differs from the contract and is still open, the latest first.": (
        "Liệt kê những chỗ khác với bản đã ghi nhận mà chưa xử lý, mới nhất trước."
    ),
    "Also those that have ended": "Cả những thay đổi đã kết thúc",
    "Show one event: what has changed, which mappings it touches, what to do.": (
        "Xem một thay đổi: khác ở đâu, ảnh hưởng ánh xạ nào, cần làm gì."
    ),
    "Id of the event, or how it begins": "Mã của thay đổi, hoặc phần đầu của mã",
    "Ids of events, or how they begin": "Mã của các thay đổi, hoặc phần đầu của mã",
    "Make what has changed part of the contract; it is not told again.": (
        "Chấp nhận thay đổi là bình thường; không báo lại nữa."
    ),
    "Also take what was learnt so far as all there is to learn": (
        "Đồng thời chốt những gì đã ghi nhận đến lúc này, không chờ thêm trả lời"
    ),
    "Look at the portal's documents and dictionaries now.": (
        "Xem ngay tài liệu kỹ thuật và danh mục của Cổng."
    ),
    "Answers are watched as they arrive. Exit code 1 while anything is open.": (
        "Trả lời được theo dõi khi nhận về. Mã thoát 1 khi còn thay đổi chưa xử lý."
    ),
    "Who sends messages down to agencies.": "Các bên gửi bản tin xuống cơ quan.",
    "List the peers: by which doors they send, how they prove themselves, what, and to whom.": (
        "Liệt kê bên gửi: gửi qua cửa nào, xác thực bằng gì, gửi gì, cho ai."
    ),
    "Check that peers can be served: their keys, how strongly they are proven, whom they reach.": (
        "Kiểm tra từng bên gửi: khóa dùng được không, xác thực mạnh đến đâu, tới được cơ quan nào."
    ),
    "Of the peer: [peers.NAME]; all": "Tên bên gửi: [peers.TÊN]; mặc định tất cả",
    "List the tokens: whose, since when, until when, and not the tokens themselves.": (
        "Liệt kê mã truy cập: của ai, từ khi nào, đến khi nào; không hiện chính mã."
    ),
    "End a token at once; other tokens of the agency stay.": (
        "Thu hồi ngay một mã truy cập; các mã khác của cơ quan vẫn dùng được."
    ),
    "Show the roles and the rights that each gives.": "Xem các vai trò và quyền của từng vai trò.",
    "Make a token of the operators' HTTP API; it is printed once and kept nowhere.": (
        "Tạo mã truy cập API của người vận hành; mã chỉ in ra một lần và không lưu ở đâu."
    ),
    "List the tokens: whose, with which roles, until when, and not the tokens themselves.": (
        "Liệt kê các mã truy cập: của ai, vai trò gì, đến khi nào; không hiện chính các mã."
    ),
    "End a token at once; other tokens of the same name stay.": (
        "Thu hồi ngay một mã truy cập; các mã khác cùng tên vẫn dùng được."
    ),
    "Accounts of people who sign in.": "Tài khoản của những người đăng nhập.",
    "Make an account; its owner sets the password by the one-time code that is printed.": (
        "Tạo tài khoản; chủ tài khoản đặt mật khẩu bằng mã một lần được in ra."
    ),
    "List the accounts: whose, with which roles, since when, and whether they can sign in.": (
        "Liệt kê tài khoản: của ai, vai trò gì, từ khi nào, có đăng nhập được không."
    ),
    "Let somebody sign in no longer; their sessions end, and tokens of their name open nothing.": (
        "Không cho một người đăng nhập nữa; phiên của họ kết thúc, mã truy cập cùng tên hết tác "
        "dụng."
    ),
    "Let somebody sign in who was disabled, or locked by failures.": (
        "Cho đăng nhập lại người đã bị khóa, hoặc bị tạm khóa do nhập sai."
    ),
    "Take away somebody's password and app; a one-time code for a new password is printed.": (
        "Xóa mật khẩu và ứng dụng xác thực của một người; in mã một lần để đặt mật khẩu mới."
    ),
    "Let an account sign in the other way: through the identity provider, or by a password.": (
        "Chuyển cách đăng nhập của tài khoản: qua máy chủ định danh, hoặc bằng mật khẩu."
    ),
    "Release an account from the identity provider's person; the next login by its name has it.": (
        "Gỡ tài khoản khỏi người của máy chủ định danh; ai đăng nhập tiếp theo bằng tên đó sẽ nhận."
    ),
    "How it signs in from now on": "Cách đăng nhập từ nay",
    "Signs in through the identity provider: no password, no code": (
        "Đăng nhập qua máy chủ định danh: không mật khẩu, không mã"
    ),
    "Give somebody these roles in place of those they have; their sessions end.": (
        "Thay các vai trò của một người bằng các vai trò này; phiên của họ kết thúc."
    ),
    # options and arguments
    "Name of the account; see: access account list": "Tên tài khoản; xem: access account list",
    "As the audit log calls them; kept in lower case": (
        "Tên ghi trong nhật ký kiểm toán; lưu bằng chữ thường"
    ),
    "As it is shown": "Tên hiển thị",
    "Why; goes into the audit log": "Lý do; ghi vào nhật ký kiểm toán",
    "It is for the account of this name": "Mã này dành cho chính tài khoản cùng tên",
    "Who uses it; stands in the audit log": "Người dùng mã; ghi trong nhật ký kiểm toán",
    "May be repeated": "Có thể lặp lại",
    "Only for this agency; may be repeated": "Chỉ cho cơ quan này; có thể lặp lại",
    "For every agency, also those still to come": "Cho mọi cơ quan, kể cả cơ quan thêm sau này",
    "Id; see: access token list": "Mã; xem: access token list",
    "Name of the agency's mapping": "Tên ánh xạ của cơ quan",
    "Valid for so many days; default until revoked": (
        "Có hiệu lực bấy nhiêu ngày; mặc định đến khi bị thu hồi"
    ),
    "Id; see: doors token list": "Mã; xem: doors token list",
    "Language of messages; default from the locale": "Ngôn ngữ; mặc định theo hệ thống",
    "Settings file; default ./lienthong.toml if it is there": (
        "Tệp cấu hình; mặc định ./lienthong.toml nếu có"
    ),
    "Where everything is kept; default ./lienthong-data": (
        "Nơi lưu mọi thứ; mặc định ./lienthong-data"
    ),
    "Log every outcome": "Ghi lại mọi kết quả",
    "Show this message and exit.": "Hiện hướng dẫn này rồi thoát.",
    "Name of the agency's mapping, or its .yaml file": (
        "Tên ánh xạ của cơ quan, hoặc tệp .yaml của nó"
    ),
    "Name of the agency's mapping; see: mapping list": "Tên ánh xạ của cơ quan; xem: mapping list",
    "Print the result as JSON": "In kết quả dạng JSON",
    "The file to read; - for standard input": "Tệp cần đọc; - là đầu vào chuẩn",
    "One XML document; - for standard input": "Một tài liệu XML; - là đầu vào chuẩn",
    "The file; - for standard input": "Tệp; - là đầu vào chuẩn",
    "enveloped: XAdES in the document; detached: XAdES beside a file of any type; plain: XML "
    "signature without XAdES": (
        "enveloped: XAdES trong tài liệu; detached: XAdES rời, bên cạnh tệp loại bất kỳ; plain: "
        "chữ ký XML không có XAdES"
    ),
    "Of the signature; default as in the settings": "Hàm băm của chữ ký; mặc định theo cấu hình",
    "Name under which a file is signed (detached); default its own": (
        "Tên tệp ghi trong chữ ký rời; mặc định là tên của tệp"
    ),
    "What it is, and so by which policy it is judged": (
        "Loại tài liệu, từ đó biết xét theo chính sách nào"
    ),
    "The file that a detached signature, or a receipt, is of": (
        "Tệp mà chữ ký rời đã ký, hoặc tệp để đối chiếu với biên nhận"
    ),
    "Name under which the content was signed; default its own": (
        "Tên tệp đã ghi trong chữ ký; mặc định là tên của tệp"
    ),
    "Of a signature inside its document; default what the policy accepts": (
        "Dạng chữ ký trong tài liệu; mặc định là dạng mà chính sách nhận"
    ),
    "When a plain signature's certificate must have been valid (UTC); default now": (
        "Thời điểm chứng thư của chữ ký plain phải có hiệu lực (UTC); mặc định là bây giờ"
    ),
    "Folder that gets one signed XML document per dossier": (
        "Thư mục nhận mỗi hồ sơ một tài liệu XML đã ký"
    ),
    "File that gets the report as JSON; - for standard output": (
        "Tệp nhận báo cáo JSON; - là đầu ra chuẩn"
    ),
    "Where to write; default standard output": "Ghi vào đâu; mặc định là đầu ra chuẩn",
    "Root certificate (PEM) to trust; may be repeated": (
        "Chứng thư gốc (PEM) được tin cậy; có thể lặp lại"
    ),
    "Where to write the signed receipt for it": "Nơi ghi biên nhận được ký cho tệp này",
    "Signed receipts for what was received.": "Biên nhận được ký cho những gì đã nhận.",
    "Id of the submission": "Mã lần gửi",
    "Write the receipt itself there": "Ghi chính biên nhận vào đó",
    "What it states": "Biên nhận về việc gì",
    "Show what was signed about one submission, or write it to a file; it is signed if it waits.": (
        "Cho xem những gì đã ký về một lần gửi, hoặc ghi ra tệp; chưa có thì ký ngay."
    ),
    "Message id; see: messages list": "Mã thông điệp; xem: messages list",
    "Why; it goes into the audit log": "Lý do; được ghi vào nhật ký kiểm toán",
    "End when nothing moves by itself any more": "Kết thúc khi không còn gì tự chạy nữa",
    "Only this state; may be repeated": "Chỉ trạng thái này; có thể lặp lại",
    "Only this agency": "Chỉ cơ quan này",
    "Only this dossier code": "Chỉ mã hồ sơ này",
    "At most so many": "Nhiều nhất bấy nhiêu",
    "As `topology parked` shows them": "Mã do `topology parked` liệt kê",
    "File that gets the table as one HTML page": "Tệp ghi bảng thành một trang HTML",
    "Names of agencies, YAML files or folders of them; default: all": (
        "Tên cơ quan, tệp YAML hoặc thư mục chứa chúng; mặc định: tất cả"
    ),
    "Folder; default the installation's own": "Thư mục; mặc định là của bản cài đặt",
    "0 takes any free port": "0 là cổng trống bất kỳ",
    "Of the control address; 0 takes any": "Của địa chỉ điều khiển; 0 là cổng bất kỳ",
    "SQLite file of arrivals and effects": "Tệp SQLite ghi những gì đến và có hiệu lực",
    "Whether a repeated message takes effect only once": (
        "Thông điệp lặp lại chỉ có hiệu lực một lần hay không"
    ),
    "What TraCuuHoSo tells: nothing, existence or content": (
        "TraCuuHoSo cho biết gì: nothing, existence hoặc content"
    ),
    "Refuse what no key of this installation signed (WS-Security)": (
        "Từ chối những gì không do khóa của hệ thống này ký (WS-Security)"
    ),
    "Refuse others (UsernameToken)": "Từ chối tên và mật khẩu khác (UsernameToken)",
    "Whether answers and faults are signed (WS-Security)": (
        "Có ký câu trả lời và báo lỗi hay không (WS-Security)"
    ),
    "Fetch a dictionary from the portal, as JSON in the portal's own names.": (
        "Lấy một danh mục từ Cổng, dạng JSON với tên trường của chính Cổng."
    ),
    "procedures, agencies, fields, or procedure with --code": (
        "procedures (thủ tục), agencies (cơ quan), fields (lĩnh vực), hoặc procedure kèm --code"
    ),
    "Of the procedure: 1.001193": "Mã thủ tục: 1.001193",
    "File to write; default: print": "Tệp ghi ra; mặc định: in ra màn hình",
    "Refuse SOAP messages without WS-Addressing": "Từ chối bản tin SOAP không có WS-Addressing",
    "Refuse SOAP messages without the headers of X-Road": (
        "Từ chối bản tin SOAP không có phần đầu của X-Road"
    ),
    "Which side the settings shown are for: soap, dvcqg-json or lgsp": (
        "Cấu hình in ra dành cho kênh nào: soap, dvcqg-json hay lgsp"
    ),
    "Progress rows that the JSON side takes in a call": (
        "Số dòng tiến độ phía JSON nhận trong một lần gọi"
    ),
    "JSON file with a list of misbehaviours and their times": (
        "Tệp JSON liệt kê các sự cố và thời điểm"
    ),
    "Print one JSON line with the addresses when ready": (
        "In một dòng JSON gồm các địa chỉ khi sẵn sàng"
    ),
    "Folder that gets the files": "Thư mục nhận các tệp",
    "Good dossiers per agency": "Số hồ sơ tốt mỗi cơ quan",
    "The same seed gives the same bytes": "Cùng số thì cùng nội dung",
    "Where the demo keeps its things; emptied if a demo made it": (
        "Nơi demo lưu đồ của nó; được dọn sạch nếu do demo tạo"
    ),
    "Only add the new key to the file, to copy it to the other machines first": (
        "Chỉ thêm khóa mới vào tệp, để chép sang các máy khác trước"
    ),
    "Erase; without it, only count what would be erased": (
        "Xóa; không có tùy chọn này thì chỉ đếm những gì sẽ xóa"
    ),
    # parts of longer helps
    "Example:": "Ví dụ:",
    "Exit codes: 0 done · 1 done, but something was rejected or did not verify · 2 wrong usage or "
    "configuration · 3 a service cannot be reached": "Mã thoát: 0 xong · 1 xong nhưng có bản ghi "
    "bị từ chối hoặc kiểm tra không đạt · 2 dùng sai hoặc cấu hình sai · 3 không kết nối được",
    "Keys that are there stay. Real keys come from the agency's certificate authority.": (
        "Khóa đã có được giữ nguyên. Khóa thật do tổ chức chứng thực của cơ quan cấp."
    ),
    "Stop the workers and make a backup first; nothing happens to a store that fits.": (
        "Dừng các tiến trình và sao lưu trước; kho đã hợp thì không thay đổi gì."
    ),
    "Several machines: use --prepare, copy the key file to each, then run it without.": (
        "Nhiều máy: chạy với --prepare, chép tệp khóa sang từng máy, rồi chạy không có --prepare."
    ),
    "Also encrypts what was stored plainly. Workers may go on running.": (
        "Cũng mã hóa những gì đã lưu không mã hóa. Các tiến trình vẫn chạy bình thường."
    ),
    "Nothing is touched of a message that has not ended. `run --roles sweep` does it every day.": (
        "Không đụng đến thông điệp chưa kết thúc. `run --roles sweep` làm việc này hằng ngày."
    ),
    "Its WSDL is at /portal?wsdl, the JSON adapter at /adapter, LGSP at /lgsp. Ctrl-C ends it.": (
        "WSDL ở /portal?wsdl, bộ kết nối JSON ở /adapter, LGSP ở /lgsp. Ctrl-C để dừng."
    ),
}


def translate(command: Helped) -> None:
    """Replace the help of `command` and of everything below it."""
    command.help = _say(command.help)
    command.epilog = _say(command.epilog)
    for parameter in command.params:
        help_text = getattr(parameter, "help", None)
        if help_text is not None:
            parameter.help = _say(help_text)
    for child in getattr(command, "commands", {}).values():
        translate(child)


def untranslated(command: Helped) -> list[str]:
    """Return every sentence below `command` that has no Vietnamese; for the tests."""
    missing = []
    for text in (command.help, command.epilog, *(getattr(p, "help", None) for p in command.params)):
        missing += [line for line in _lines(text) if line not in HELP]
    for child in getattr(command, "commands", {}).values():
        missing += untranslated(child)
    return missing


def _lines(text: str | None) -> list[str]:
    lines = [line.strip() for line in (text or "").splitlines()]
    return [line for line in lines if line and not line.startswith("Example:")]


def _say(text: str | None) -> str | None:
    if text is None:
        return None
    said = []
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("Example:"):
            bare = bare.replace("Example:", HELP["Example:"], 1)
        said.append(HELP.get(bare, bare))
    return "\n".join(said)

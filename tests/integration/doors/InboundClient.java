import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;

/** Posts files one after the other over one client; prints status and body of each answer. */
final class InboundClient {
    /** Arguments: address, content type, token, files. */
    public static void main(String[] given) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int place = 3; place < given.length; place++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(given[0]))
                .header("Content-Type", given[1])
                .header("Authorization", "Bearer " + given[2])
                .POST(HttpRequest.BodyPublishers.ofFile(Path.of(given[place])))
                .build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.body().replace("\n", ""));
        }
    }
}
